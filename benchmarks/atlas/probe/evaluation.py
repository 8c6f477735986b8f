"""Evaluate a spelling: forward and backward, with every result as an array."""

import inspect
import warnings
import zlib
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Any

import numpy as np

from benchmarks.atlas.cases.case import SIZES
from benchmarks.atlas.cases.drawing import EDGES, Drawn, draw, with_edge
from benchmarks.atlas.cases.spelling import full_name, names_in
from benchmarks.atlas.probe.words import Words, signature_of


class MissingError(AttributeError):
    """A name that the framework does not have."""


@dataclass(frozen=True, kw_only=True)
class Given:
    """What a case is evaluated with; ``edge`` is one of EDGES or none."""

    inputs: Mapping[str, str]
    dtype: str = "float64"
    edge: str = ""
    moved: bool = False  # every number that has a gradient by one unit in its last place
    other: bool = False  # other numbers
    sizes: Mapping[str, int] | None = None

    def arrays(self) -> dict[str, np.ndarray]:
        """The inputs as arrays of the dtype."""
        sizes = {**(self.sizes or SIZES), **EDGES.get(self.edge, {})}
        suffix = " again" if self.other else ""
        arrays = {name: draw(name + suffix, text, sizes) for name, text in self.inputs.items()}
        for place, (name, array) in enumerate(arrays.items()):
            if array.dtype.kind == "f":
                is_moved = self.moved and Drawn.parse(self.inputs[name]).differentiable  # no label of -1
                one = np.nextafter(array, np.inf) if is_moved else array
                arrays[name] = (with_edge(one, self.edge) if place == 0 else one).astype(self.dtype)
        return arrays


class Evaluator:
    """Evaluates spellings of one framework."""

    def __init__(self, words: Words, backend: Any) -> None:
        self.words, self.backend = words, backend
        self.names = words.namespace()

    def require_names(self, spelling: str, inputs: Mapping[str, str]) -> None:
        """Raise MissingError for the first name that the framework does not have."""
        for name in names_in(spelling, inputs):
            if self.resolve(name) is None:
                raise MissingError(full_name(name, self.words.backend))

    def resolve(self, name: str) -> Any:
        """What a dotted name means; None if there is no such thing."""
        root, *rest = name.split(".")
        found = self.words.tensor_type if root == "Tensor" else self.names.get(root)
        for part in rest:
            found = getattr(found, part, None)
        return found

    def value(self, spelling: str, given: Given) -> tuple[Any, dict[str, Any], dict[str, Any]]:
        """What a spelling is, the leaves by input, and what stands for them in a call."""
        has_image = any(Drawn.parse(text).kind == "image" for text in given.inputs.values())
        self.words.set_dtype("float32" if has_image else given.dtype)  # what users make of images
        self.words.seed(0)
        leaves, values = {}, {}
        for name, array in given.arrays().items():
            drawn = Drawn.parse(given.inputs[name])
            if drawn.kind == "image":
                values[name] = _image(array)
                continue
            leaves[name] = self.words.tensor(array, gradient=drawn.differentiable)
            is_float = array.dtype.kind == "f" and drawn.differentiable
            values[name] = leaves[name] * 1 if is_float else leaves[name]  # what works in place needs no leaf
        names = {**self.names, **(given.sizes or SIZES), **values}
        return eval(spelling, names), leaves, values  # noqa: S307 - the atlas' own lines

    def layer(self, spelling: str, given: Given) -> Any:
        """The layer that a spelling is; None if it is none."""
        value, _, _ = self.value(spelling, given)
        return value if self.words.is_layer(value) else None

    def results(
        self,
        spelling: str,
        given: Given,
        *,
        training: bool,
        weights: Mapping[str, np.ndarray],
        buffers: Mapping[str, np.ndarray],
        backward: bool = True,
    ) -> dict[str, np.ndarray]:
        """Outputs, gradients of inputs and parameters, statistics: by name."""
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")
            value, leaves, values = self.value(spelling, given)
            layer = value if self.words.is_layer(value) else None
            if layer is not None:
                self.backend.set_training(layer, training)
                dtype = given.dtype
                if weights:
                    self.backend.set_weights(layer, {n: a.astype(dtype) for n, a in weights.items()})
                self.backend.set_buffers(layer, {n: a.astype(dtype) for n, a in buffers.items()})
                value = layer(*values.values())
            outputs = dict(self.outputs(value, "output"))
            results = {name: self._array(output) for name, output in outputs.items()}
            if layer is not None and training:
                statistics = self.backend.get_buffers(layer)
                results |= {f"statistics {name}": array for name, array in statistics.items()}
            if backward:
                results |= self._gradients(outputs, leaves, layer)
        return results

    def outputs(self, value: Any, name: str) -> Iterator[tuple[str, Any]]:
        """Tensors and numbers in a result, by their place in it."""
        if isinstance(value, (list, tuple)):
            for place, part in enumerate(value):
                yield from self.outputs(part, f"{name} {place}")
        elif isinstance(value, dict):
            for key, part in value.items():
                yield from self.outputs(part, f"{name} {key}")
        elif value is not None:
            yield name, value

    def _array(self, value: Any) -> np.ndarray:
        array = self.words.to_numpy(value) if isinstance(value, self.words.tensor_type) else np.asarray(value)
        if array.dtype.kind == "c":
            return np.stack([array.real, array.imag], axis=-1)
        if array.dtype.kind not in "fiub":
            raise TypeError(f"the result is no array: {type(value).__name__}")
        return array

    def _gradients(
        self, outputs: Mapping[str, Any], leaves: Mapping[str, Any], layer: Any
    ) -> dict[str, np.ndarray]:
        """Gradients of a fixed projection of all outputs."""
        tensors = {n: t for n, t in outputs.items() if isinstance(t, self.words.tensor_type)}
        recorded = {name: t for name, t in tensors.items() if self.words.is_recorded(t) and self._is_float(t)}
        if not recorded:
            return {}
        cotangents = [self._cotangent(name, tensor) for name, tensor in recorded.items()]
        self.words.backward([*recorded.values()], cotangents)
        found = {name: leaf.grad for name, leaf in leaves.items() if self.words.is_recorded(leaf)}
        gradients = {f"gradient of {n}": self._array(g) for n, g in found.items() if g is not None}
        if layer is not None:
            own = self.backend.get_gradients(layer)
            gradients |= {f"gradient of {name}": array for name, array in own.items()}
        return gradients

    def _is_float(self, tensor: Any) -> bool:
        return str(tensor.dtype).rpartition(".")[2] in ("float32", "float64")

    def _cotangent(self, name: str, tensor: Any) -> Any:
        rng = np.random.default_rng((zlib.crc32(name.encode()), *tensor.shape))
        drawn = rng.standard_normal(tuple(tensor.shape)).astype(np.float32)
        dtype = str(tensor.dtype).rpartition(".")[2]
        return self.words.tensor(drawn.astype(dtype), gradient=False)

    def defaults(self, spelling: str, inputs: Mapping[str, str]) -> dict[str, str]:
        """Defaults of the operation's parameters, as far as Python can read them."""
        names = names_in(spelling, inputs)
        function = self.resolve(names[0]) if names else None
        parameters = signature_of(function) if function is not None else {}
        return {
            name: repr(parameter.default)
            for name, parameter in parameters.items()
            if parameter.default is not inspect.Parameter.empty
        }


def _image(array: np.ndarray) -> Any:
    from PIL import Image

    return Image.fromarray(array)
