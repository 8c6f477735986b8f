"""Parameters in groups, each with an optimizer and a rate of its own."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import numpy as np

from backends import Backend, Model, Optimizer
from backends.inference.classifier import split_head
from common.training.loss_scale import LossScale
from common.training.recipes import Recipe

BETAS, EPSILON = (0.9, 0.999), 1e-8  # of Adam: the defaults of both frameworks
KEPT = ("momentum_buffer", "exp_avg", "exp_avg_sq")  # what SGD with momentum and Adam remember


@dataclass(frozen=True)
class ParamGroup:
    """Parameters that share an optimizer; its rate is the schedule's times ``factor``."""

    optimizer: Optimizer
    factor: float
    names: frozenset[str]


class ParamGroups:
    """All parameters of a model, or the head alone, or the head and a body that learns at another rate."""

    def __init__(self, backend: Backend, model: Model, recipe: Recipe) -> None:
        self.backend, self.model, self.recipe = backend, model, recipe
        body, head = split_head(list(backend.parameter_shapes(model)))
        if recipe.freeze_features:
            backend.freeze(model, body)
            self.groups = [self._group(head, 1.0)]
        elif recipe.body_learning_rate is None:
            self.groups = [self._group([*body, *head], 1.0)]
        else:
            factor = recipe.body_learning_rate / recipe.learning_rate
            self.groups = [self._group(head, 1.0), self._group(body, factor)]

    def update(self, *, rate: float, scale: LossScale) -> bool:
        """Move all parameters along their gradients, clipped as the recipe says, and clear these.

        ``scale`` is what the loss was multiplied with; where it was too much, nothing moves: returns False.
        """
        factor = 1 / scale.value
        if self.recipe.clip_norm or scale.active:
            norm = self.backend.gradient_norm(self.model) * factor
            if not scale.accepts(norm):
                for group in self.groups:
                    self.backend.clear_gradients(group.optimizer)
                return False
            if self.recipe.clip_norm:
                factor *= min(1.0, self.recipe.clip_norm / (norm + 1e-6))  # as both frameworks clip
            if factor != 1:
                self.backend.scale_gradients(self.model, factor)
        for group in self.groups:
            self.backend.set_learning_rate(group.optimizer, _float32(rate * group.factor))
            self.backend.update(group.optimizer)
        return True

    def moments(self) -> dict[str, np.ndarray]:
        """A copy of what the optimizers remember."""
        moments: dict[str, np.ndarray] = {}
        for group in self.groups:
            moments |= self.backend.get_moments(self.model, group.optimizer, group.names, KEPT)
        return moments

    def restore(self, moments: Mapping[str, np.ndarray], *, updates: int) -> None:
        """Go on from these, after so many updates."""
        for group in self.groups:
            own = {key: array for key, array in moments.items() if key.rpartition("/")[0] in group.names}
            self.backend.set_moments(self.model, group.optimizer, own, updates=updates)

    def _group(self, names: Sequence[str], factor: float) -> ParamGroup:
        optimizer = self.backend.make_optimizer(
            self.model,
            self.recipe.optimizer,
            learning_rate=self.recipe.learning_rate,
            momentum=_float32(self.recipe.momentum),
            beta1=_float32(BETAS[0]),
            beta2=_float32(BETAS[1]),
            epsilon=_float32(EPSILON),
            weight_decay=_float32(self.recipe.weight_decay),
            only=set(names),
        )
        return ParamGroup(optimizer, factor, frozenset(names))


def _float32(value: float) -> float:
    """As paddle keeps it, even in float64; torch is given the same."""
    return float(np.float32(value))
