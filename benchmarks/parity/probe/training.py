"""Updates in a worker: on gradients drawn in NumPy, or on the model's own."""

from collections.abc import Callable, Iterator, Mapping, Sequence
from math import prod
from typing import Any

import numpy as np

from backends import Backend, Computed, Model
from benchmarks.parity.probe.naming import Naming
from benchmarks.parity.probe.user_optimizers import as_paddle_does, clip_in_float64
from benchmarks.parity.tensors.tensor_folder import TensorFolder
from common.runtime import memory

SHIFT = 997  # drawn numbers by which a gradient's place moves from step to step
SIZES = (1.0, 0.25, 4.0)  # what each such part is multiplied by, in turn: a gradient grows and shrinks


class Trainer:
    """A model with its optimizer.

    ``rounding`` gives torch's the hyper-parameters rounded to float32, ``paddles_rule`` the rules by which
    paddle moves parameters; ``applied`` are those of them that had anything to act on.
    """

    def __init__(
        self,
        name: str,
        backend: Backend,
        model: Model,
        *,
        optimizer: str | None,
        own: Callable[[Any], Any] | None,
        settings: Mapping[str, Any],
    ) -> None:
        self.name, self.backend, self.model = name, backend, model
        self.rounding = self.paddles_rule = False
        self.applied: dict[str, None] = {}
        made = (
            own(model)
            if own
            else (backend.make_optimizer(model, optimizer, **settings) if optimizer else None)
        )
        self.optimizer, self.schedule = made if isinstance(made, tuple) else (made, None)
        if name == "paddle":
            clip_in_float64(self.optimizer)

    def apply_gradients(
        self, drawn: TensorFolder, naming: Naming, *, steps: int, rates: Sequence[float] | None
    ) -> list[float]:
        """Update on the drawn gradients, each step on another part of them."""
        shapes, used = self.backend.parameter_shapes(self.model), []
        for step in range(steps):
            self.backend.clear_gradients(self.optimizer)  # or both steps' would be held for a while
            self.backend.set_gradients(self.model, DrawnGradients(drawn, naming, shapes, step=step))
            memory.give_back()  # what it took to convert them; an update needs as much of its own
            used.append(self._update(step, rates))
        return used

    def train(
        self,
        compute: Callable[[], Computed],
        *,
        steps: int,
        rates: Sequence[float] | None,
    ) -> list[float]:
        """Update on the batch's own gradients; returns the losses."""
        self.backend.clear_gradients(self.optimizer)  # what was recorded before has left some
        losses = []
        for step in range(steps):
            computed = compute()
            self.backend.backward(computed.total)
            losses.append(float(self.backend.to_numpy(computed.loss)))
            self._update(step, rates)
        return losses

    def _update(self, step: int, rates: Sequence[float] | None) -> float:
        if rates is not None:
            self.backend.set_learning_rate(self.optimizer, rates[step])
        used = self.backend.get_learning_rate(self.optimizer)
        altered = {"rounding": self.rounding, "rule": self.paddles_rule}
        with as_paddle_does(self.optimizer, applied=self.applied, **altered):
            self.backend.update(self.optimizer)
        if self.schedule is not None:
            self.schedule.step()
        return used


class DrawnGradients(Mapping[str, np.ndarray]):
    """A step's gradients by a parameter's own name, each read when it is asked for: all are a model's size.

    ``naming`` says under which names they lie, and in which pieces.
    """

    def __init__(
        self,
        drawn: TensorFolder,
        naming: Naming,
        shapes: Mapping[str, Sequence[int]],
        *,
        step: int,
    ) -> None:
        self._drawn, self._naming, self._shapes, self._step = drawn, naming, shapes, step

    def __getitem__(self, name: str) -> np.ndarray:
        return self._naming.own(
            name,
            self._shapes[name],
            lambda drawn, shape: part(self._drawn.load(drawn), self._step, shape),
        )

    def __contains__(self, name: object) -> bool:
        return name in self._shapes  # without reading the gradient, as Mapping's own would

    def __iter__(self) -> Iterator[str]:
        return iter(self._shapes)

    def __len__(self) -> int:
        return len(self._shapes)


def draw(rng: np.random.Generator, shape: Sequence[int], *, steps: int) -> np.ndarray:
    """Numbers for so many gradients of one parameter, one after the other: (numbers,) float32."""
    drawn = rng.standard_normal(prod(shape) + SHIFT * (steps - 1), dtype=np.float32)
    for place, size in enumerate(SIZES):
        for start in range(place * SHIFT, drawn.size, SHIFT * len(SIZES)):
            drawn[start : start + SHIFT] *= np.float32(size)
    return drawn


def part(drawn: np.ndarray, step: int, shape: Sequence[int]) -> np.ndarray:
    """The gradient of a step: a view, for all of a large model's are as large as the model."""
    start = SHIFT * step
    return drawn[start : start + prod(shape)].reshape(shape)
