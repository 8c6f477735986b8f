"""A worker's model recorded, repeated, taken apart."""

from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

import numpy as np

from benchmarks.parity.probe import decisions
from benchmarks.parity.probe.decisions import decided
from benchmarks.parity.probe.model import Opened
from benchmarks.parity.probe.rounded import rounded
from benchmarks.parity.tensors.gaps import distance
from benchmarks.parity.tensors.tensor_folder import TensorFolder


class Recorder(Opened):
    """Writes what a model computes, layer by layer."""

    def record(
        self,
        *,
        batch: str,
        target: str,
        training: bool = False,
        masks: str | None = None,
        rounding: list[str] | None = None,
        moved: bool = False,
        forced: dict[str, Any] | None = None,
        gradients: list[str] | None = None,
        autocast: str = "",
    ) -> list[dict[str, Any]]:
        """Forward, loss, backward: write every layer's tensors and every gradient; tell of the calls.

        ``autocast`` is a precision to compute in, where the model's own is not meant.
        ``masks`` are dropout's. ``rounding`` names constants of the other framework to be reproduced,
        ``moved`` moves each pixel by one unit in the last place, and ``forced`` (a folder, and
        calls there by calls here) forces the decisions that another run took: all three on torch's side.
        """
        folder = TensorFolder(target)
        with self._prepared(training, masks), self._altered(rounding, forced):
            computation = self._computation(batch, moved=moved, autocast=autocast)
            calls = self.backend.record(self.model, computation, keep=folder.add)
        for name, array in self._gradients():
            if gradients is None or name in gradients:
                folder.add(f"gradients/{name}", array)
        if training:
            for name, array in self._neutral(self.backend.get_buffers(self.model)):
                folder.add(f"buffers/{name}", array)
        return calls

    def repeat(
        self,
        batch: str,
        reference: str,
        training: bool = False,
        masks: str | None = None,
        partial: bool = False,
    ) -> list[dict[str, Any]]:
        """Do ``record`` again and tell, in the order of computing, what is not bit-identical to it.

        ``partial``: of ``reference`` a part was deleted, and only what is left is compared.
        """
        folder, different = TensorFolder(reference), []
        left = {name for name in folder if not name.startswith("buffers/")}

        def compare(name: str, array: np.ndarray) -> None:
            left.discard(name)
            if partial and name not in folder:
                return
            if not folder.has(name, array):
                before = folder.load(name) if name in folder else np.empty(0)
                gap, largest = distance(before, array)
                different.append({"name": name, "relative_l2": gap, "max_abs": largest})

        with self._prepared(training, masks):
            self.backend.record(self.model, self._computation(batch), keep=compare)
        for name, array in self._gradients():
            compare(f"gradients/{name}", array)
        infinite = float("inf")
        return different + [{"name": n, "relative_l2": infinite, "max_abs": infinite} for n in sorted(left)]

    def distract(self, batch: str) -> None:
        """Have the model infer something else: each image upside down."""
        images, _ = self._batch(batch)
        flipped = np.ascontiguousarray(self.backend.to_numpy(images)[:, :, ::-1])
        self.backend.set_training(self.model, False)
        self.backend.infer(self.model, self.backend.from_numpy(flipped, **self._where()))

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
                inputs = [recorded.load(f"layers/{label}/input{place}") for place in range(call["inputs"])]
                name = f"layers/{label}/gradient"
                gradient = recorded.load(name) if name in recorded else None
                try:
                    results = self.backend.run_layer(
                        self.model, call["name"], inputs=inputs, gradient=gradient
                    )
                except Exception as error:  # a layer may refuse what the other side's takes
                    failures[label] = f"{type(error).__name__}: {' '.join(str(error).split())[:200]}"
                else:
                    written.fill((f"{label}/{what}", array) for what, array in results.items())
        return failures

    def dropouts(self, rounding: list[str] | None = None) -> list[dict[str, Any]]:
        """See Backend.measure_dropout."""
        with self._altered(rounding, None):
            return self.backend.measure_dropout(self.model)

    def flips(self, exact: str, other: str, calls: dict[str, str]) -> list[dict[str, Any]]:
        """How many decisions of each ReLU and max-pool another run took otherwise. On torch's side.

        ``exact`` and ``other`` are recordings, ``calls`` the labels in ``other`` by those in ``exact``.
        """
        return decisions.compare_all(self.model, TensorFolder(exact), TensorFolder(other), calls)

    def _gradients(self) -> Iterator[tuple[str, np.ndarray]]:
        """One parameter's gradient at a time: all together are as large as the model."""
        for name in self.backend.parameter_shapes(self.model):
            yield from self._neutral(self.backend.get_gradients(self.model, {name}))

    @contextmanager
    def _altered(self, rounding: list[str] | None, forced: dict[str, Any] | None) -> Iterator[None]:
        with (
            rounded(self.model, rounding or ()),
            decided(self.model, forced or {}),
        ):
            yield
