"""A worker's model of a comparison: built, named, given its weights and its batch."""

import gc
from collections import Counter
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import replace
from typing import Any

import numpy as np

from backends import Backend, Model, Tensor
from backends.open_model import ModelSpec, open_model
from backends.user_code import resolve
from benchmarks.parity.probe.training import Trainer
from benchmarks.parity.tensors.tensor_folder import TensorFolder
from benchmarks.parity.tensors.tensor_name import TensorName
from common.cli import UnavailableError
from common.runtime import memory

ULP = 2.0**-52  # what images are moved by to see how rounding spreads


class OpenModel:
    """One model at a time, with what belongs to it.

    Every public method can be asked for.
    """

    def __init__(self, name: str, backend: Backend) -> None:
        self.name, self.backend = name, backend
        self.model: Model = None
        self._spec = ModelSpec(precision="fp64", device="cpu")
        self._own: dict[str, str] = {}  # a parameter's or buffer's own name, by the one that it goes by
        self._plugins: dict[str, str] = {}
        self._folder = ""
        self._trainer: Trainer | None = None

    def open(self, model: dict[str, Any], plugins: dict[str, str], folder: str) -> dict[str, Any]:
        """Open a model afresh, as a ModelSpec says.

        Returns what it consists of, as Backend.describe does. ``plugins`` are sources of the user's own parts
        by role, which are looked up in ``folder``.
        """
        self.close()
        self._spec, self._plugins, self._folder = ModelSpec(**model), plugins, folder
        memory.reset_peak()
        self.model = open_model(self.backend, self._spec)
        self._own = {}
        for role in plugins:
            self._plugin(role)
        return self.backend.describe(self.model)

    def recast(self, precision: str) -> None:
        """The open model in another precision."""
        self._spec = replace(self._spec, precision=precision)
        self._forget_training()
        self.model = self.backend.adopt(self.model, **self._where())

    def refusal(self, precision: str) -> str | None:
        """Why this backend cannot compute gradients in a precision here.

        None if it can.
        """
        try:
            self.backend.require_training(precision=precision, device=self._where()["device"])
        except UnavailableError as error:
            return str(error)
        return None

    def close(self) -> None:
        """Forget the model and all that belongs to it."""
        if self.model is not None:
            self.model, self._trainer = None, None
            gc.collect()

    def rename(self, names: dict[str, str]) -> None:
        """From now on parameters and buffers go by other names (own name by other name)."""
        self._own = names

    def save(self, target: str) -> None:
        """Write parameters and buffers, the latter as "buffers/NAME"."""
        folder = TensorFolder(target)
        folder.fill(self._neutral(self.backend.get_weights(self.model)))
        buffers = self._neutral(self.backend.get_buffers(self.model))
        folder.fill((TensorName.of_buffer(name), array) for name, array in buffers)

    def load(self, source: str) -> None:
        """Copy parameters and buffers from a folder.

        Buffers that it has not stay as they are.
        """
        self._forget_training()
        folder, called = TensorFolder(source), self._called()
        names = self.backend.parameter_shapes(self.model)
        self.backend.set_weights(self.model, {name: folder.load(called.get(name, name)) for name in names})
        buffers = self.backend.get_buffers(self.model)
        files = {name: TensorName.of_buffer(called.get(name, name)) for name in buffers}
        self.backend.set_buffers(
            self.model, {name: folder.load(file) for name, file in files.items() if file in folder}
        )

    def _forget_training(self) -> None:
        """Let go of the optimizer now: its moments are large, and refer to each other in paddle's."""
        if self._trainer is not None:
            self._trainer = None
            gc.collect()
            memory.give_back()

    def _called(self) -> dict[str, str]:
        """Names in use of parameters and buffers, by the model's own names."""
        return {own: name for name, own in self._own.items()}

    def _neutral(self, arrays: dict[str, np.ndarray]) -> Iterator[tuple[str, np.ndarray]]:
        called = self._called()
        return ((called.get(name, name), array) for name, array in arrays.items())

    @contextmanager
    def _prepared(self, training: bool, masks: str | None) -> Iterator[None]:
        """The model in one mode, with drawn dropout masks where there are any."""
        self.backend.set_training(self.model, training)
        folder = TensorFolder(masks) if masks else None
        given = GivenMasks({call: folder.load(call) for call in folder} if folder else {})
        with self.backend.masked_dropout(self.model, given):
            yield

    def _computation(self, batch: str, *, moved: bool = False, autocast: str = "") -> "Computation":
        images, labels = self._batch(batch, moved=moved)
        loss = self._plugin("loss") if "loss" in self._plugins else None
        precision = self._where() | ({"precision": autocast} if autocast else {})
        return Computation(
            self.backend, self.model, images=images, labels=labels, loss=loss, precision=precision
        )

    def _batch(self, source: str, *, moved: bool = False) -> tuple[Tensor, Tensor]:
        folder = TensorFolder(source)
        images, labels = folder.load("images").astype(np.float64), folder.load("labels")
        if moved:
            images *= 1 + ULP * np.random.default_rng(0).choice((-1, 1), size=images.shape)
        return self.backend.from_numpy(images, **self._where()), self.backend.from_numpy(
            labels, **self._where()
        )

    def _where(self) -> dict[str, str]:
        return {
            "device": self.backend.find_device(self._spec.device),
            "precision": self._spec.precision,
        }

    def _plugin(self, role: str) -> Any:
        return resolve(self._plugins[role], folder=self._folder)


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


class Computation:
    """Logits and loss of one batch, with the user's own loss where there is one."""

    def __init__(
        self,
        backend: Backend,
        model: Model,
        *,
        images: Tensor,
        labels: Tensor,
        loss: Any | None,
        precision: dict[str, str],
    ) -> None:
        self._backend, self._model, self._loss = backend, model, loss
        self._images, self._labels = images, labels
        self._precision = precision  # Backend.autocast's arguments

    def __call__(self) -> tuple[Tensor, Tensor]:
        """Logits and loss, recorded for gradients."""
        with self._backend.autocast(**self._precision):
            if self._loss is None:
                return self._backend.compute_loss(self._model, self._images, self._labels)
            logits = self._model(self._images)
            return logits, self._loss(logits, self._labels)
