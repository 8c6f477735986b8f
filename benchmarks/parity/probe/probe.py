"""A worker's side of a comparison: one model, recorded, repeated, taken apart, trained.

Runs in a backend's own interpreter. Arguments and results are JSON; arrays travel as folders.
"""

from itertools import islice
from typing import Any

import numpy as np

from benchmarks.parity.probe.computation import flatten, pick
from benchmarks.parity.probe.recorder import Recorder
from benchmarks.parity.probe.training import Trainer
from benchmarks.parity.tensors.tensor_folder import TensorFolder
from common.runtime import memory


class Probe(Recorder):
    """Every public method can be asked for.

    One model is open at a time.
    """

    def batches(self, target: str, count: int) -> int:
        """Write the first batches of the user's own data as "N/images" and "N/labels".

        Returns how many.
        """
        folder, number = TensorFolder(target), 0
        for images, labels in islice(iter(self._plugin("data")()), count):
            folder.add(f"{number}/images", np.asarray(images))
            folder.add(f"{number}/labels", np.asarray(labels))
            number += 1
        return number

    def metrics(self, source: str, target: str) -> None:
        """Give the user's metric logits and labels; write what it makes of them."""
        folder = TensorFolder(source)
        where = {"device": "cpu", "precision": "fp64"}
        given = [self.backend.from_numpy(folder.load(name), **where) for name in ("logits", "labels")]
        result = self._plugin("metric")(*given)
        named = result if isinstance(result, dict) else {"metric": result}
        TensorFolder(target).fill((name, np.asarray(value, np.float64)) for name, value in named.items())

    def last_layer(self, batch: str) -> str | None:
        """Name of the layer with parameters that runs last in evaluation mode; None if there is none."""
        inputs, _ = self._batch(batch)
        owners = {entry["layer"] for entry in self.backend.describe(self.model)["parameters"]}
        traced = [layer["name"] for layer in self.backend.trace(self.model, inputs[0])]
        return next((name for name in reversed(traced) if name in owners), None)

    def predict(self, batch: str, target: str, layer: str | None = None) -> None:
        """Write "logits" of a batch in evaluation mode and, as "features", what goes into ``layer``."""
        inputs, _ = self._batch(batch)
        self.backend.set_training(self.model, False)
        features = None
        if layer is None:
            raw = self.backend.infer(self.model, inputs[0])
        else:
            raw, features = self.backend.infer_with_features(self.model, inputs[0], layer=layer)
        outputs = flatten(raw)
        folder, logits = TensorFolder(target), outputs[pick(outputs, raw, self._output)]
        folder.add("logits", self.backend.to_numpy(logits))
        if features is not None:
            folder.add("features", self.backend.to_numpy(features))

    def start_training(
        self,
        optimizer: str | None,
        settings: dict[str, Any],
        rounding: bool = False,
        paddles_rule: bool = False,
    ) -> None:
        """Make an optimizer: the named one, or the user's own where there is one."""
        memory.give_back()  # gaps that the largest tensors of all would not fit into
        own = self._plugin("optimizer") if optimizer is None else None
        self._trainer = Trainer(
            self.name, self.backend, self.model, optimizer=optimizer, own=own, settings=settings
        )
        self._trainer.rounding, self._trainer.paddles_rule = rounding, paddles_rule

    def rules_applied(self) -> list[str]:
        """The known differences by whose rule of paddle's the last training moved parameters."""
        assert self._trainer is not None, "start_training first"
        return [*self._trainer.applied]

    def apply_gradients(self, source: str, steps: int, rates: list[float] | None) -> list[float]:
        """Update on drawn gradients; returns the learning rate of each step."""
        assert self._trainer is not None, "start_training first"
        return self._trainer.apply_gradients(TensorFolder(source), self._naming, steps=steps, rates=rates)

    def train(
        self,
        *,
        batch: str,
        steps: int,
        rates: list[float] | None,
        masks: str | None,
        rounding: list[str] | None = None,
        moved: bool = False,
    ) -> list[float]:
        """Train on one batch over and over, its pixels ``moved`` or not.

        Returns the loss of each step.
        """
        assert self._trainer is not None, "start_training first"
        self._noted = {}
        with self._prepared(True, masks), self._altered(rounding, None):
            return self._trainer.train(self._computation(batch, moved=moved), steps=steps, rates=rates)

    def kinds_of_state(self) -> list[str]:
        """Optimizer state of parameters, such as "exp_avg", beside the parameters themselves."""
        assert self._trainer is not None, "start_training first"
        optimizer, names = self._trainer.optimizer, self.backend.parameter_shapes(self.model)
        for small in sorted(names, key=lambda name: int(np.prod(names[name]))):
            kept = self.backend.get_moments(self.model, optimizer, {small})
            if kept:  # of a frozen one it keeps nothing
                return [name.rpartition("/")[2] for name in kept]
        return []

    def training_state(self, names: list[str], kind: str, target: str) -> None:
        """Write the named parameters ("parameters"), or one kind of what the optimizer keeps of them."""
        assert self._trainer is not None, "start_training first"
        folder, optimizer = TensorFolder(target), self._trainer.optimizer
        for link in self._naming.links(self.backend.parameter_shapes(self.model)):
            wanted = {*link.ours} & {*names}
            if not wanted:
                continue
            if kind == "parameters":
                arrays = self.backend.get_weights(self.model, {*link.theirs})
            else:
                kept = self.backend.get_moments(self.model, optimizer, {*link.theirs}, {kind})
                arrays = {full.removesuffix(f"/{kind}"): array for full, array in kept.items()}
            pieces = self._naming.neutral(link, arrays) if arrays else {}
            folder.fill((name, array) for name, array in pieces.items() if name in wanted)

    def buffers(self, target: str) -> None:
        """Write the buffers, by their own names."""
        TensorFolder(target).fill(self.backend.get_buffers(self.model).items())

    def peak_memory_bytes(self) -> int | None:
        """The most resident memory since a model was opened."""
        return memory.peak_resident_bytes()
