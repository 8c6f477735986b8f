"""A worker's model of a comparison: built, named, given its weights and its batch."""

import gc
import random
from collections import Counter
from collections.abc import Callable, Iterator, Mapping
from contextlib import AbstractContextManager, ExitStack, contextmanager
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np

from backends import Backend, Model, Tensor
from backends.open_model import ModelSpec, open_model
from backends.user_code import resolve
from benchmarks.parity.probe.computation import Computation
from benchmarks.parity.probe.definitions import definitions
from benchmarks.parity.probe.naming import Naming
from benchmarks.parity.probe.random_numbers import RandomNumbers, with_numbers
from benchmarks.parity.probe.training import Trainer
from benchmarks.parity.tensors.tensor_folder import TensorFolder
from benchmarks.parity.tensors.tensor_name import TensorName
from benchmarks.request.inputs import LABELS, input_place
from common.cli import UnavailableError, UsageError
from common.runtime import memory

Arrays = Mapping[str, np.ndarray]
ULP = 2.0**-52  # what images are moved by to see how rounding spreads


class OpenModel:
    """One model at a time, with what belongs to it.

    Every public method can be asked for.
    """

    def __init__(self, name: str, backend: Backend) -> None:
        self.name, self.backend = name, backend
        self.model: Model = None
        self._spec = ModelSpec(precision="fp64", device="cpu")
        self._naming = Naming()
        self._spare: dict[str, np.ndarray] = {}  # parameters that torch's model has not, as they were
        self._plugins: dict[str, str] = {}
        self._folder, self._output = "", ""
        self._trainer: Trainer | None = None
        self._is_wide = False
        self._random_numbers = RandomNumbers()
        self._lines: dict[str, dict[str, str]] = {}

    def open(
        self,
        model: dict[str, Any],
        plugins: dict[str, str],
        folder: str,
        output: str = "",
        seed: int = 0,
    ) -> dict[str, Any]:
        """Open a model afresh, as a ModelSpec says.

        Returns what it consists of, as Backend.describe does. ``plugins`` are sources of the user's own parts
        by role, which are looked up in ``folder``;
        ``output`` is the key of the output that loss and metrics see.
        """
        self.close()
        self._spec, self._plugins, self._folder = ModelSpec(**model), plugins, folder
        self._output = output
        memory.reset_peak()
        random.seed(seed)  # a model of the user's own draws its weights: two runs give the same figures
        np.random.seed(seed)
        self.backend.seed_dropout(seed)
        with definitions(self.name) as found:
            self.model = open_model(self.backend, self._spec)
        self._lines = found.of(self.model)
        self._naming, self._spare, self._is_wide = Naming(), {}, False
        for role in plugins:
            self._plugin(role)
        return self.backend.describe(self.model)

    def lines(self, layers: list[str]) -> dict[str, dict[str, str]]:
        """The lines that define layers, by dotted name: "place" and "code". A copied layer has none."""
        return {name: self._lines[name] for name in layers if name in self._lines}

    def spreads(self) -> dict[str, float]:
        """Standard deviation of every parameter's present values, by its own name."""
        return {
            name: float(array.std(dtype=np.float64))
            for own in self.backend.parameter_shapes(self.model)  # one at a time: all are a model's size
            for name, array in self.backend.get_weights(self.model, {own}).items()
        }

    def recast(self, precision: str) -> None:
        """The open model in another precision."""
        self._spec = replace(self._spec, precision=precision)
        self._forget_training()
        self.model = self.backend.adopt(self.model, **self._where())

    def refusal(self, precision: str) -> str | None:
        """Why this backend cannot compute gradients in a precision here.

        Returns None if it can.
        """
        try:
            self.backend.require_training(precision=precision, device=self._where()["device"])
        except UnavailableError as error:
            return str(error)
        return None

    def widen(self, on: bool) -> None:
        """Have what a float64 model makes without naming a dtype be float64, and not float32."""
        self._is_wide = on

    def _default_dtype(self) -> AbstractContextManager[None]:
        is_wide = self._is_wide and self._spec.precision == "fp64"
        return self.backend.default_dtype("fp64" if is_wide else "fp32")

    def draws(self) -> list[int]:
        """How many numbers each draw outside of dropout's layers took in the last pass in training mode."""
        return self._random_numbers.sizes

    def close(self) -> None:
        """Forget the model and all that belongs to it."""
        if self.model is not None:
            self.model, self._trainer = None, None
            gc.collect()
            gc.freeze()  # what is left is the frameworks': a million objects that no later search need visit

    def rename(
        self, links: list[dict[str, Any]] | None = None, buffers: dict[str, str] | None = None
    ) -> None:
        """From now on parameters and buffers go by torch's names, in torch's pieces."""
        self._naming = Naming(links, buffers)
        spare = self._naming.spare(self.backend.parameter_shapes(self.model))
        self._spare = self.backend.get_weights(self.model, spare) if spare else {}

    def save(self, target: str) -> None:
        """Write parameters and buffers, the latter as "buffers/NAME"."""
        folder = TensorFolder(target)
        folder.fill(self._pieces(self.backend.get_weights))
        buffers = self.backend.get_buffers(self.model)
        folder.fill((TensorName.of_buffer(self._naming.buffer(own)), array) for own, array in buffers.items())

    def save_file(self, path: str) -> None:
        """Write the framework's own file of weights."""
        self.backend.save_weights(self.model, Path(path))

    def load_file(self, path: str) -> None:
        """Read such a file. UsageError where it does not fit."""
        try:
            self.backend.load_weights(self.model, Path(path))
        except ValueError as error:
            raise UsageError(f"{path}: {error}") from None

    def load(self, source: str) -> None:
        """Copy parameters and buffers from a folder.

        Buffers that it has not stay as they are.
        """
        self._forget_training()
        folder, shapes = TensorFolder(source), self.backend.parameter_shapes(self.model)
        arrays = {
            own: self._naming.own(own, shape, lambda name, _: folder.load(name))
            for own, shape in shapes.items()
            if own not in self._spare
        }
        self.backend.set_weights(self.model, arrays | self._spare)
        buffers = self.backend.get_buffers(self.model)
        files = {own: TensorName.of_buffer(self._naming.buffer(own)) for own in buffers}
        self.backend.set_buffers(
            self.model, {name: folder.load(file) for name, file in files.items() if file in folder}
        )

    def _forget_training(self) -> None:
        """Let go of the optimizer now: its moments are large, and refer to each other in paddle's."""
        if self._trainer is not None:
            self._trainer = None
            gc.collect()
            memory.give_back()

    def _pieces(self, read: Callable[[Model, set[str]], Arrays]) -> Iterator[tuple[str, np.ndarray]]:
        """Parameters, or their gradients, under torch's names; those that torch has not are left out.

        ``read`` copies named ones, one piece of torch's at a time: all together are as large as the model.
        """
        for link in self._naming.links(self.backend.parameter_shapes(self.model)):
            yield from self._naming.neutral(link, read(self.model, {*link.theirs})).items()

    @contextmanager
    def _prepared(self, training: bool, masks: str | None) -> Iterator[None]:
        """The model in one mode, with drawn dropout masks where there are any."""
        self.backend.set_training(self.model, training)
        folder = TensorFolder(masks) if masks else None
        given = GivenMasks({call: folder.load(call) for call in folder} if folder else {})
        with ExitStack() as stack:
            stack.enter_context(self._default_dtype())
            stack.enter_context(self.backend.masked_dropout(self.model, given))
            if masks:
                # What no mask can be given to is off on both sides; what is drawn elsewhere is given to both.
                stack.enter_context(self.backend.without_inner_dropout(self.model))
                random.seed(0)
                np.random.seed(0)
                self._random_numbers = RandomNumbers()
                stack.enter_context(with_numbers(self.name, self._random_numbers))
            yield

    def _computation(self, batch: str, *, moved: float = 0, autocast: str = "") -> Computation:
        inputs, labels = self._batch(batch, moved=moved)
        return Computation(
            self.backend,
            self.model,
            inputs=inputs,
            labels=labels,
            loss=self._plugin("loss") if "loss" in self._plugins else None,
            output=self._output,
            where=self._where(),
            autocast=self._where() | ({"precision": autocast} if autocast else {}),
        )

    def _batch(self, source: str, *, moved: float = 0) -> tuple[list[Tensor], Tensor]:
        """The model's inputs in order, and the labels.

        ``moved``: by how many units in the last place every number of a float input is moved.
        """
        folder = TensorFolder(source)
        arrays = [folder.load(name) for name in sorted(folder, key=input_place) if name != LABELS]
        arrays = [array.astype(np.float64) if array.dtype.kind == "f" else array for array in arrays]
        if moved:
            rng = np.random.default_rng(0)
            arrays = [_moved(array, rng, moved) if array.dtype.kind == "f" else array for array in arrays]
        inputs = [self.backend.from_numpy(array, **self._where()) for array in arrays]
        return inputs, self.backend.from_numpy(folder.load(LABELS), **self._where())

    def _where(self) -> dict[str, str]:
        return {
            "device": self.backend.find_device(self._spec.device),
            "precision": self._spec.precision,
        }

    def _plugin(self, role: str) -> Any:
        return resolve(self._plugins[role], folder=self._folder)


def _moved(array: np.ndarray, rng: np.random.Generator, units: float) -> np.ndarray:
    moved: np.ndarray = array * (1 + units * ULP * rng.choice((-1, 1), size=array.shape))
    return moved


class GivenMasks:
    """Dropout's masks, given by call: a layer that is called again takes its next, then its first."""

    def __init__(self, masks: Mapping[str, np.ndarray]) -> None:
        self._masks: dict[str, list[np.ndarray]] = {}
        self._calls: Counter[str] = Counter()
        for call in sorted(masks, key=_place):
            self._masks.setdefault(_place(call)[0], []).append(masks[call])

    def __call__(self, layer: str, *_: object) -> np.ndarray | None:
        """The mask of a layer's next call; None where there is none."""
        masks = self._masks.get(layer)
        if masks is None:
            return None
        self._calls[layer] += 1
        return masks[(self._calls[layer] - 1) % len(masks)]


def _place(call: str) -> tuple[str, int]:
    """The layer of a call, and which of its calls it is."""
    layer, _, number = call.partition("#")
    return layer, int(number or 1)
