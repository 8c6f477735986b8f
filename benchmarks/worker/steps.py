"""The steps that are timed: one batch inferred, or trained on, in named parts."""

from collections.abc import Callable, Iterator
from dataclasses import dataclass
from typing import Any

from backends import Backend, Model
from benchmarks.worker.timing import Parts

Batch = tuple[Any, Any]  # images and labels on the device

LEARNING_RATE = 1e-3  # of the timed momentum steps: small, so that training on one batch stays finite


@dataclass(frozen=True)
class DeviceTimeline:
    """A backend's device as timing.Timeline."""

    backend: Backend
    device: str

    def synchronize(self) -> None:
        """See Backend."""
        self.backend.synchronize(self.device)

    def mark(self) -> Any:
        """See Backend."""
        return self.backend.mark(self.device)

    def seconds_between(self, start: Any, end: Any) -> float:
        """See Backend."""
        return self.backend.seconds_between(start, end)


@dataclass(frozen=True, kw_only=True)
class Job:
    """A step in its timed phases, and the last step's result as a number to look at."""

    device: str
    parts: Parts
    timeline: DeviceTimeline
    outcome: Callable[[], float]
    batches_per_step: int = 1


def make_job(
    backend: Backend,
    model: Any,
    *,
    device: str,
    phase: str,
    precision: str,
    batch: Batch,
    feed: Iterator[Batch] | None,
    loss: Callable[[Any, Any], Any] | None = None,
) -> Job:
    """A job for phase "infer", where ``model`` computes logits from images, or "train".

    ``loss`` is the user's own, of logits and labels; None: cross-entropy. With a ``feed``, each step reads
    its batch from it first; without, every step takes ``batch``.
    """
    kind = _TrainStep if phase == "train" else _InferStep
    step = kind(backend, model, batch=batch, feed=feed)
    step.where = {"precision": precision, "device": device}
    step.loss = loss
    parts = {"data": step.read, **step.parts()} if feed else step.parts()
    return Job(device=device, parts=parts, timeline=DeviceTimeline(backend, device), outcome=step.outcome)


def make_reading_job(
    backend: Backend, passes: Iterator[Iterator[Batch]], *, device: str, batches_per_pass: int
) -> Job:
    """A job for phase "data": each step is a pass from an empty pipeline, so that nothing was read before."""
    step = _ReadStep(backend, passes)
    timeline = DeviceTimeline(backend, device)
    parts = {"data": step.read}
    return Job(
        device=device, parts=parts, timeline=timeline, outcome=step.outcome, batches_per_step=batches_per_pass
    )


class _ReadStep:
    def __init__(self, backend: Backend, passes: Iterator[Iterator[Batch]]) -> None:
        self.backend, self.passes = backend, passes
        self.batch: Batch | None = None

    def read(self) -> None:
        for batch in next(self.passes):
            self.batch = batch

    def outcome(self) -> float:
        """The mean pixel of the last batch. Waits for it."""
        assert self.batch is not None
        return float(self.backend.to_numpy(self.batch[0]).mean())


class _Step:
    def __init__(self, backend: Backend, model: Model, *, batch: Batch, feed: Iterator[Batch] | None) -> None:
        self.backend, self.model, self.batch, self.feed = backend, model, batch, feed
        self.result: Any = None
        self.where: dict[str, str] = {}
        self.loss: Callable[[Any, Any], Any] | None = None

    def read(self) -> None:
        assert self.feed is not None
        self.batch = next(self.feed)

    def outcome(self) -> float:
        """The mean of the last logits, or the last loss. Waits for it."""
        return float(self.backend.to_numpy(self.result).mean())


class _InferStep(_Step):
    def parts(self) -> Parts:
        return {"forward": self._forward}

    def _forward(self) -> None:
        self.result = self.model(self.batch[0])


class _TrainStep(_Step):
    def __init__(self, backend: Backend, model: Model, *, batch: Batch, feed: Iterator[Batch] | None) -> None:
        super().__init__(backend, model, batch=batch, feed=feed)
        self.optimizer = backend.make_optimizer(model, "momentum", learning_rate=LEARNING_RATE)

    def parts(self) -> Parts:
        return {"forward": self._forward, "backward": self._backward, "optimizer": self._update}

    def _forward(self) -> None:
        with self.backend.autocast(**self.where):
            if self.loss is None:
                _, self.result = self.backend.compute_loss(self.model, *self.batch)
            else:
                self.result = self.loss(self.model(self.batch[0]), self.batch[1])

    def _backward(self) -> None:
        self.backend.backward(self.result)

    def _update(self) -> None:
        self.backend.update(self.optimizer)
