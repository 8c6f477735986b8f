"""A worker's side of a comparison: one model, recorded, repeated, taken apart, trained.

Runs in a backend's own interpreter. Arguments and results are JSON; arrays travel as folders.
"""

import gc
from collections.abc import Iterator
from contextlib import contextmanager
from itertools import islice
from typing import Any

import numpy as np

from backends import Backend, Model, Tensor
from benchmarks import memory
from benchmarks.parity import decisions, reproductions
from benchmarks.parity.folder import TensorFolder
from benchmarks.parity.gaps import distance
from benchmarks.parity.sources import resolve
from benchmarks.parity.training import Trainer
from common.cli import UsageError

ULP = 2.0**-52  # what images are moved by to see how rounding spreads


class Probe:
    """Every public method can be asked for. One model is open at a time."""

    def __init__(self, name: str, backend: Backend) -> None:
        self.name, self.backend = name, backend
        self.model: Model = None
        self._build: dict[str, Any] = {}
        self._own: dict[str, str] = {}  # a parameter's or buffer's own name, by the one that it goes by
        self._plugins: dict[str, str] = {}
        self._folder = ""
        self._trainer: Trainer | None = None

    def open(self, build: dict[str, Any], plugins: dict[str, str], folder: str) -> dict[str, Any]:
        """Build a model afresh and tell what it consists of.

        ``build`` are Backend.build's arguments, or has ``source`` instead of a name. ``plugins`` are
        sources of the user's own parts by role; all are looked up in ``folder``.
        """
        self.close()
        self._build, self._plugins, self._folder = build, plugins, folder
        memory.reset_peak()
        if "source" in build:
            where = {"precision": build["precision"], "device": self.backend.find_device(build["device"])}
            model = resolve(build["source"], folder=folder)()
            self._require_model(model, build["source"])
            self.model = self.backend.adopt(model, **where)
        else:
            self.model = self.backend.build(**build)
        self._own = {}
        for role in plugins:
            self._plugin(role)
        return self.backend.describe(self.model)

    def recast(self, precision: str) -> None:
        """The open model in another precision; its weights are to be loaded again."""
        self._build = {**self._build, "precision": precision}
        where = {"precision": precision, "device": self.backend.find_device(self._build["device"])}
        self._trainer = None
        self.model = self.backend.adopt(self.model, **where)

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
        folder.fill((f"buffers/{name}", array) for name, array in buffers)

    def load(self, source: str) -> None:
        """Copy parameters and buffers from a folder; buffers that it has not stay as they are."""
        folder, called = TensorFolder(source), self._called()
        names = self.backend.parameter_shapes(self.model)
        self.backend.set_weights(self.model, {name: folder.load(called.get(name, name)) for name in names})
        buffers = {name: f"buffers/{called.get(name, name)}" for name in self.backend.get_buffers(self.model)}
        self.backend.set_buffers(
            self.model, {name: folder.load(file) for name, file in buffers.items() if file in folder}
        )
        self._trainer = None

    def batches(self, target: str, count: int) -> int:
        """Write the first batches of the user's own data as "N/images" and "N/labels"; returns how many."""
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
    ) -> list[dict[str, Any]]:
        """Forward, loss, backward: write every layer's tensors and every gradient; tell of the calls.

        ``masks`` are dropout's. ``rounding`` names constants of the other framework to be reproduced,
        ``moved`` moves each pixel by one unit in the last place, and ``forced`` (a folder, and
        calls there by calls here) forces the decisions that another run took: all three on torch's side.
        """
        folder = TensorFolder(target)
        with self._prepared(training, masks), self._altered(rounding, forced):
            calls = self.backend.record(self.model, self._computation(batch, moved=moved), keep=folder.add)
        for name, array in self._gradients():
            if gradients is None or name in gradients:
                folder.add(f"gradients/{name}", array)
        if training:
            for name, array in self._neutral(self.backend.get_buffers(self.model)):
                folder.add(f"buffers/{name}", array)
        return calls

    def repeat(
        self, batch: str, reference: str, training: bool = False, masks: str | None = None
    ) -> list[dict[str, Any]]:
        """Do ``record`` again and tell, in the order of computing, what is not bit-identical to it."""
        folder, different = TensorFolder(reference), []
        left = {name for name in folder if not name.startswith("buffers/")}

        def compare(name: str, array: np.ndarray) -> None:
            left.discard(name)
            before = folder.load(name) if name in folder else np.empty(0)
            if (
                before.shape != array.shape
                or before.tobytes() != np.require(array, requirements="C").tobytes()
            ):
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

    def buffers(self, target: str) -> None:
        """Write the buffers, by their own names."""
        TensorFolder(target).fill(self.backend.get_buffers(self.model).items())

    def peak_memory_bytes(self) -> int | None:
        """The most resident memory since a model was opened."""
        return memory.peak_resident_bytes()

    def start_training(self, optimizer: str | None, settings: dict[str, Any], rounding: bool = False) -> None:
        """Make an optimizer: the named one, or the user's own where there is one."""
        own = self._plugin("optimizer") if optimizer is None else None
        self._trainer = Trainer(
            self.name, self.backend, self.model, optimizer=optimizer, own=own, settings=settings
        )
        self._trainer.rounding = rounding

    def apply_gradients(self, source: str, steps: int, rates: list[float] | None) -> list[float]:
        """Update on drawn gradients; returns the learning rate of each step."""
        assert self._trainer is not None, "start_training first"
        return self._trainer.apply_gradients(TensorFolder(source), self._called(), steps=steps, rates=rates)

    def train(
        self,
        *,
        batch: str,
        steps: int,
        rates: list[float] | None,
        masks: str | None,
        rounding: list[str] | None = None,
    ) -> list[float]:
        """Train on one batch over and over; returns the loss of each step."""
        assert self._trainer is not None, "start_training first"
        with self._prepared(True, masks), self._altered(rounding, None):
            return self._trainer.train(self._computation(batch), steps=steps, rates=rates)

    def kinds_of_state(self) -> list[str]:
        """What the optimizer keeps of parameters, such as "exp_avg", beside the parameters themselves."""
        assert self._trainer is not None, "start_training first"
        optimizer, names = self._trainer.optimizer, self.backend.parameter_shapes(self.model)
        small = min(names, key=lambda name: int(np.prod(names[name])), default="")
        return [name.rpartition("/")[2] for name in self.backend.get_moments(self.model, optimizer, {small})]

    def training_state(self, names: list[str], kind: str, target: str) -> None:
        """Write the named parameters ("parameters"), or one kind of what the optimizer keeps of them."""
        assert self._trainer is not None, "start_training first"
        folder, called = TensorFolder(target), self._called()
        for name in names:
            own = self._own.get(name, name)
            if kind == "parameters":
                arrays = self.backend.get_weights(self.model, {own})
            else:
                arrays = self.backend.get_moments(self.model, self._trainer.optimizer, {own}, {kind})
            for full, array in arrays.items():
                folder.add(called.get(full.removesuffix(f"/{kind}"), full.removesuffix(f"/{kind}")), array)

    def _gradients(self) -> Iterator[tuple[str, np.ndarray]]:
        """One parameter's gradient at a time: all together are as large as the model."""
        for name in self.backend.parameter_shapes(self.model):
            yield from self._neutral(self.backend.get_gradients(self.model, {name}))

    def _called(self) -> dict[str, str]:
        """What parameters and buffers go by, by their own names."""
        return {own: name for name, own in self._own.items()}

    def _neutral(self, arrays: dict[str, np.ndarray]) -> Iterator[tuple[str, np.ndarray]]:
        called = self._called()
        return ((called.get(name, name), array) for name, array in arrays.items())

    @contextmanager
    def _prepared(self, training: bool, masks: str | None) -> Iterator[None]:
        """The model in one mode, with drawn dropout masks where there are any."""
        self.backend.set_training(self.model, training)
        folder = TensorFolder(masks) if masks else ()
        loaded = {name: folder.load(name) for name in folder} if isinstance(folder, TensorFolder) else {}
        with self.backend.masked_dropout(self.model, lambda name, *_: loaded.get(name)):
            yield

    @contextmanager
    def _altered(self, rounding: list[str] | None, forced: dict[str, Any] | None) -> Iterator[None]:
        with (
            reproductions.rounded(self.model, rounding or ()),
            reproductions.decided(self.model, forced or {}),
        ):
            yield

    def _computation(self, batch: str, *, moved: bool = False) -> "Computation":
        images, labels = self._batch(batch, moved=moved)
        loss = self._plugin("loss") if "loss" in self._plugins else None
        return Computation(self.backend, self.model, images=images, labels=labels, loss=loss)

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
            "device": self.backend.find_device(self._build["device"]),
            "precision": self._build["precision"],
        }

    def _plugin(self, role: str) -> Any:
        return resolve(self._plugins[role], folder=self._folder)

    def _require_model(self, model: object, source: str) -> None:
        if not hasattr(model, "named_parameters") or not callable(model):
            raise UsageError(f"{source} returned {type(model).__name__}, not a {self.name} model")


def _same_bits(before: np.ndarray, array: np.ndarray) -> bool:
    if before.shape != array.shape or before.dtype != array.dtype:
        return False
    left, right = (np.require(side, requirements="C").reshape(-1).view(np.uint8) for side in (before, array))
    return np.array_equal(left, right)


class Computation:
    """Logits and loss of one batch, with the user's own loss where there is one."""

    def __init__(
        self, backend: Backend, model: Model, *, images: Tensor, labels: Tensor, loss: Any | None
    ) -> None:
        self._backend, self._model, self._loss = backend, model, loss
        self._images, self._labels = images, labels

    def __call__(self) -> tuple[Tensor, Tensor]:
        """Logits and loss, recorded for gradients."""
        if self._loss is None:
            return self._backend.compute_loss(self._model, self._images, self._labels)
        logits = self._model(self._images)
        return logits, self._loss(logits, self._labels)
