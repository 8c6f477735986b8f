"""A worker's model recorded, repeated and taken apart, layer by layer."""

from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

import numpy as np

from backends import Backend
from backends.user_code import resolve
from benchmarks.parity.probe import decisions
from benchmarks.parity.probe.constants import ConstantsSeen
from benchmarks.parity.probe.decisions import decided
from benchmarks.parity.probe.model import OpenModel
from benchmarks.parity.probe.rounded import Noted, rounded
from benchmarks.parity.probe.spectral_order import spectral_order
from benchmarks.parity.tensors.distance import distance
from benchmarks.parity.tensors.tensor_folder import TensorFolder
from benchmarks.parity.tensors.tensor_name import BUFFERS, GRADIENT, INPUT, TensorName
from common.cli import UsageError

PARAMETER = "parameter/"  # what the gradients of a layer's own parameters are called, run alone


class Recorder(OpenModel):
    """Writes what a model computes, layer by layer."""

    def __init__(self, name: str, backend: Backend) -> None:
        super().__init__(name, backend)
        self._noted: Noted = {}
        self._constants: dict[tuple[str, float], str] = {}
        self._functions: list[str] = []

    def roundings(self) -> list[str]:
        """The known roundings that the functions called by the last recording or training can show.

        On torch's side.
        """
        return [*self._noted]

    def record(
        self,
        *,
        batch: str,
        target: str,
        training: bool = False,
        masks: str | None = None,
        rounding: list[str] | None = None,
        moved: float = 0,
        forced: dict[str, Any] | None = None,
        constant: dict[str, Any] | None = None,
        gradients: list[str] | None = None,
        autocast: str = "",
    ) -> list[dict[str, Any]]:
        """Forward, loss, backward: write every layer's tensors and every gradient; returns the calls.

        ``autocast`` is a precision to compute in, where the model's own is not meant.
        ``masks`` are dropout's. ``rounding`` names constants of the other framework to be reproduced,
        ``moved`` moves each pixel by so many units in the last place, and ``forced`` (a folder, and
        calls there by calls here) forces the decisions that another run took: all three on torch's side.
        ``constant`` is one number to be rounded, too: see ConstantsSeen.
        """
        folder = TensorFolder(target)
        self._noted = {}
        with self._prepared(training, masks), self._altered(rounding, forced, constant) as seen:
            # Layers' tensors are written as they arise: all together would not fit in memory.
            computation = self._computation(batch, moved=moved, autocast=autocast)
            calls = self.backend.record(self.model, computation, keep=folder.add)
        self._constants, self._functions = seen.found, [*seen.functions]
        # The parameters' gradients, one at a time.
        for name, array in self._pieces(self.backend.get_gradients):
            if gradients is None or name in gradients:
                folder.add(TensorName.of_gradient(name), array)
        # Running statistics move in training mode alone.
        if training:
            for own, array in self.backend.get_buffers(self.model).items():
                folder.add(TensorName.of_buffer(self._naming.buffer(own)), array)
        return calls

    def functions(self) -> list[str]:
        """Plain names of the functions that the last recording called. On torch's side."""
        return self._functions

    def constants(self) -> list[dict[str, Any]]:
        """Numbers that functions were given in the last recording and that float32 has not.

        Place, value, and the function's name. On torch's side.
        """
        return [
            {"place": place, "value": value, "function": function}
            for (place, value), function in self._constants.items()
        ]

    def repeat(
        self,
        batch: str,
        reference: str,
        training: bool = False,
        masks: str | None = None,
        partial: bool = False,
    ) -> list[dict[str, Any]]:
        """Do ``record`` again.

        Returns, in the order of computing, the tensors that are not bit-identical. ``partial``: of
        ``reference`` a part was deleted, and only what is left is compared.
        """
        folder, different = TensorFolder(reference), []
        left = {name for name in folder if TensorName(name).kind != BUFFERS}

        def compare(name: str, array: np.ndarray) -> None:
            left.discard(name)
            if partial and name not in folder:
                return
            if not folder.has(name, array):
                before = folder.load(name) if name in folder else np.empty(0)
                gap, largest = distance(before, array)
                different.append({"name": name, "relative_l2": gap, "max_abs": largest})

        with self._prepared(training, masks), self._altered(None, None):  # the very same calls
            self.backend.record(self.model, self._computation(batch), keep=compare)
        for name, array in self._pieces(self.backend.get_gradients):
            compare(TensorName.of_gradient(name), array)
        infinite = float("inf")
        return different + [{"name": n, "relative_l2": infinite, "max_abs": infinite} for n in sorted(left)]

    def distract(self, batch: str) -> None:
        """Have the model infer something else: every input turned around along its last axis."""
        inputs, _ = self._batch(batch)
        arrays = [np.ascontiguousarray(self.backend.to_numpy(given)[..., ::-1]) for given in inputs]
        turned = [self.backend.from_numpy(array, **self._where()) for array in arrays]
        self.backend.set_training(self.model, False)
        with self._default_dtype():
            self.backend.infer(lambda first: self.model(first, *turned[1:]), turned[0])

    def draw_inputs(self, source: str, target: str) -> int:
        """Write what the user's callable gives as the model's inputs; returns the size of the batch."""
        found = resolve(source, folder=self._folder)()
        values = list(found.values()) if isinstance(found, dict) else found
        values = list(values) if isinstance(values, (list, tuple)) else [values]
        arrays = [np.asarray(value) for value in values]
        if not arrays or any(array.ndim == 0 or len(array) != len(arrays[0]) for array in arrays):
            raise UsageError(f"--inputs {source}: expected arrays of one batch size, got {len(arrays)}")
        TensorFolder(target).fill((f"input{place}", array) for place, array in enumerate(arrays))
        return len(arrays[0])

    def isolate(
        self,
        *,
        source: str,
        target: str,
        calls: list[dict[str, Any]],
        training: bool = False,
        masks: str | None = None,
        rounding: list[str] | None = None,
    ) -> dict[str, str]:
        """Run layers alone, each on the inputs and the gradient that ``source`` has for its call.

        Each call has ``call``, the label there and in ``target``, and ``name``, the layer's here.
        Returns why a layer could not be run so, by call.
        """
        recorded, written, failures = TensorFolder(source), TensorFolder(target), {}
        with self._prepared(training, masks), self._altered(rounding, None):
            for call in calls:
                label = call["call"]
                files = [TensorName.of_layer(label, f"{INPUT}{place}") for place in range(call["inputs"])]
                inputs = [recorded.load(file) for file in files]
                name = TensorName.of_layer(label, GRADIENT)
                gradient = recorded.load(name) if name in recorded else None
                try:
                    results = self.backend.run_layer(
                        self.model, call["name"], inputs=inputs, gradient=gradient
                    )
                except Exception as error:  # a layer may refuse what the other side's takes
                    failures[label] = f"{type(error).__name__}: {' '.join(str(error).split())[:200]}"
                else:
                    # Parameters' gradients are as large as the model, and nobody asks for them here.
                    own = {what: array for what, array in results.items() if not what.startswith(PARAMETER)}
                    written.fill((f"{label}/{what}", array) for what, array in own.items())
        return failures

    def is_turned(self, layer: str, parameter: str) -> bool | None:
        """Find out from what a layer computes which way its square weight lies: (inputs, outputs) if True.

        None if it does not multiply by it, or cannot be run alone.
        """
        kept = self.backend.get_weights(self.model)
        shape = kept[parameter].shape
        weight = np.random.default_rng(0).standard_normal(shape).astype(kept[parameter].dtype)
        self.backend.set_weights(self.model, {**kept, parameter: weight})
        try:
            zero, one = (
                self.backend.run_layer(self.model, layer, inputs=[array.astype(weight.dtype)])["output"]
                for array in (np.zeros(shape), np.eye(len(weight)))
            )
        except Exception:  # whatever somebody's own layer makes of it
            return None
        finally:
            self.backend.set_weights(self.model, kept)
        found = [np.allclose(one - zero, way, rtol=1e-4, atol=1e-4) for way in (weight, weight.T)]
        return found[0] if found[0] != found[1] else None

    def dropouts(self, rounding: list[str] | None = None) -> list[dict[str, Any]]:
        """See Backend.measure_dropout."""
        with self._altered(rounding, None):
            return self.backend.measure_dropout(self.model)

    def inner_dropouts(self) -> list[dict[str, Any]]:
        """See Backend.inner_dropout."""
        return self.backend.inner_dropout(self.model)

    def flips(self, exact: str, other: str, calls: dict[str, str]) -> list[dict[str, Any]]:
        """Count the decisions of each ReLU and max-pool that another run flips.

        On torch's side. ``exact`` and ``other`` are recordings, ``calls`` the labels in ``other`` by those in
        ``exact``.
        """
        return decisions.compare_all(self.model, TensorFolder(exact), TensorFolder(other), calls)

    @contextmanager
    def _altered(
        self,
        rounding: list[str] | None,
        forced: dict[str, Any] | None,
        constant: dict[str, Any] | None = None,
    ) -> Iterator[ConstantsSeen]:
        seen = ConstantsSeen(constant)
        if self.name != "torch":
            yield seen
            return
        with (
            seen.following(self._leaves()),
            rounded(rounding or (), noted=self._noted, given=seen),
            spectral_order(self.model, rounding or (), noted=self._noted),
            decided(self.model, forced or {}),
        ):
            yield seen

    def _leaves(self) -> dict[str, Any]:
        return {
            name or "model": layer for name, layer in self.model.named_modules() if not [*layer.children()]
        }
