"""Updates in a worker: on gradients drawn in NumPy, or on the model's own."""

from collections.abc import Callable, Mapping, Sequence
from typing import Any

import numpy as np

from backends import Backend, Model, Tensor
from benchmarks.parity.folder import TensorFolder
from benchmarks.parity.reproductions import rounded_hyper_parameters

SHIFT = 7919  # places by which drawn gradients are rolled from step to step: a prime
SIZES = (1.0, 0.25, 4.0)  # and what they are multiplied by, in turn


class Trainer:
    """A model with its optimizer. ``rounding`` gives torch's the hyper-parameters rounded to float32."""

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
        self.rounding = False
        made = (
            own(model)
            if own
            else (backend.make_optimizer(model, optimizer, **settings) if optimizer else None)
        )
        self.optimizer, self.schedule = made if isinstance(made, tuple) else (made, None)

    def apply_gradients(
        self, drawn: TensorFolder, called: Mapping[str, str], *, steps: int, rates: Sequence[float] | None
    ) -> list[float]:
        """Update on the drawn gradients, rolled and resized from step to step."""
        shapes = self.backend.parameter_shapes(self.model)
        arrays, used = {name: drawn.load(called.get(name, name)) for name in shapes}, []
        for step in range(steps):
            gradients = {name: gradient(array, step) for name, array in arrays.items()}
            self.backend.set_gradients(self.model, gradients)
            del gradients
            used.append(self._update(step, rates))
        return used

    def train(
        self,
        compute: Callable[[], tuple[Tensor, Tensor]],
        *,
        steps: int,
        rates: Sequence[float] | None,
    ) -> list[float]:
        """Update on the batch's own gradients; returns the losses."""
        losses = []
        for step in range(steps):
            _, loss = compute()
            self.backend.backward(loss)
            losses.append(float(self.backend.to_numpy(loss)))
            self._update(step, rates)
        return losses

    def _update(self, step: int, rates: Sequence[float] | None) -> float:
        if rates is not None:
            self.backend.set_learning_rate(self.optimizer, rates[step])
        used = self.backend.get_learning_rate(self.optimizer)
        with rounded_hyper_parameters(self.optimizer, active=self.rounding):
            self.backend.update(self.optimizer)
        if self.schedule is not None:
            self.schedule.step()
        return used


def gradient(drawn: np.ndarray, step: int) -> np.ndarray:
    """The gradient of a step, made of what was drawn once: rolled, and of another size."""
    return np.roll(drawn, SHIFT * step) * np.float32(SIZES[step % len(SIZES)])
