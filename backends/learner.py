"""A model that learns on a backend: one update at a time, the same on both."""

from collections.abc import Mapping, Sequence
from contextlib import AbstractContextManager, nullcontext
from dataclasses import dataclass
from typing import Any, NamedTuple

import numpy as np

from backends import Backend, Model, Optimizer, Tensor
from backends.building import build, split_head
from backends.inference import Classifier
from common.checkpoint import Subject
from common.loss_scale import LossScale
from common.masks import Masks
from common.recipe import Recipe
from common.sharding import Member, Portion

ALONE = Member()
BETAS, EPSILON = (0.9, 0.999), 1e-8  # of Adam: the defaults of both frameworks


class Outcome(NamedTuple):
    """What a part of a batch gave: logits and loss still on the device; labels of the images that count."""

    logits: Tensor
    loss: Tensor
    labels: np.ndarray


@dataclass(frozen=True)
class Group:
    """Parameters that share an optimizer; its rate is the schedule's times ``factor``."""

    optimizer: Optimizer
    factor: float
    names: frozenset[str]


class Learner:
    """A built model, its optimizers, and what they need to go on. Only arrays go in and out.

    As a ``member`` of several processes it works on its share of each batch, and all make the same update.
    """

    def __init__(
        self,
        backend: Backend,
        recipe: Recipe,
        subject: Subject,
        *,
        device: str,
        shared_masks: bool = False,
        member: Member = ALONE,
    ) -> None:
        self.backend, self.recipe, self.device, self.member = backend, recipe, device, member
        self._part_size = member.share_of(recipe.batch_size)
        backend.require_training(precision=recipe.precision, device=device)
        self.storage = "fp64" if recipe.precision == "fp64" else "fp32"
        self.model: Model = build(backend, subject, precision=self.storage, device=device, training=recipe)
        self.shapes = backend.parameter_shapes(self.model)
        self.scale = LossScale(active=recipe.precision == "fp16")
        self.updates = 0
        self._masks = Masks(recipe.seed, rank=member.rank, ranks=member.ranks) if shared_masks else None
        if self._masks is not None:
            backend.share_dropout(self.model, self._masks)
        self._groups = self._make_groups()
        self._replica: Model | None = None

    def update(
        self,
        images: np.ndarray,
        labels: np.ndarray,
        *,
        step: int,
        rate: float,
        portion: Portion | None = None,
    ) -> list[Outcome]:
        """One update on a batch, worked on in parts of the recipe's batch size.

        Each part's mean loss counts by its share of the images of all processes, so that parts of any
        sizes have the gradients of the whole. ``step`` numbers the batches: chance depends on it and on
        the seed. ``portion`` says which images count where others have some, too.
        """
        own, whole = portion or Portion(own=len(labels), whole=len(labels))
        images, labels = images[: max(own, 1)], labels[: max(own, 1)]
        outcomes = []
        for part, start in enumerate(range(0, len(labels), self._part_size)):
            chosen = slice(start, start + self._part_size)
            counted = labels[:own][chosen]
            self._seed(step, part)
            with self._exchanging(last=chosen.stop >= len(labels)):
                # The replicas' gradients are averaged: each weighs as many images as it has.
                share = len(counted) / whole * self.member.ranks
                logits, loss = self._learn(images[chosen], labels[chosen], share=share)
            outcomes.append(Outcome(logits, loss, counted))
        self._apply(rate)
        return outcomes

    def _learn(self, images: np.ndarray, labels: np.ndarray, *, share: float) -> tuple[Tensor, Tensor]:
        """Add the gradients of a part's mean loss times ``share``; returns its logits and that mean."""
        backend = self.backend
        inputs = backend.from_numpy(images, device=self.device, precision=self.storage)
        targets = backend.from_numpy(labels, device=self.device, precision=self.storage)
        with backend.autocast(precision=self.recipe.precision, device=self.device):
            logits, loss = backend.compute_loss(
                self._replicated(), inputs, targets, label_smoothing=self.recipe.label_smoothing
            )
        backend.backward(loss, scale=share * self.scale.value)
        return logits, loss

    def _replicated(self) -> Model:
        """The model that learns with the other processes'; made once its first weights are in place."""
        if self._replica is None:
            self._replica = self.model if self.member.ranks == 1 else self.backend.replicate(self.model)
        return self._replica

    def _exchanging(self, *, last: bool) -> AbstractContextManager[Any]:
        """Gradients are sent once in an update: with its last part."""
        if last or self.member.ranks == 1:
            return nullcontext()
        return self.backend.unsynchronised(self._replicated())

    def classifier(self) -> Classifier:
        """The model in evaluation mode."""
        self.backend.set_training(self.model, False)
        return Classifier(backend=self.backend, model=self.model, device=self.device, precision=self.storage)

    def weights(self) -> dict[str, np.ndarray]:
        """A copy of every parameter."""
        return self.backend.get_weights(self.model)

    def moments(self) -> dict[str, np.ndarray]:
        """A copy of what the optimizers remember."""
        parts = [self.backend.get_optimizer_state(self.model, group.optimizer) for group in self._groups]
        return {name: array for part in parts for name, array in part.items()}

    def restore(
        self,
        weights: Mapping[str, np.ndarray],
        moments: Mapping[str, np.ndarray],
        *,
        updates: int,
        scale: list[float],
    ) -> None:
        """Go on from these."""
        self.backend.set_weights(self.model, weights)
        for group in self._groups:
            own = {key: array for key, array in moments.items() if key.partition("/")[2] in group.names}
            self.backend.set_optimizer_state(self.model, group.optimizer, own, updates=updates)
        self.updates = updates
        self.scale.restore(scale)

    def _apply(self, rate: float) -> None:
        factor = 1 / self.scale.value
        if self.recipe.clip_norm or self.scale.active:
            norm = self.backend.gradient_norm(self.model) * factor
            if not self.scale.accepts(norm):
                for group in self._groups:
                    self.backend.clear_gradients(group.optimizer)
                return
            if self.recipe.clip_norm:
                factor *= min(1.0, self.recipe.clip_norm / (norm + 1e-6))  # as both frameworks clip
            if factor != 1:
                self.backend.scale_gradients(self.model, factor)
        for group in self._groups:
            self.backend.set_learning_rate(group.optimizer, _float32(rate * group.factor))
            self.backend.update(group.optimizer)
        self.updates += 1

    def _seed(self, step: int, part: int) -> None:
        if self._masks is not None:
            self._masks.at(step, part)
        else:
            chance = np.random.default_rng((self.recipe.seed, step, part, self.member.rank))
            seed = chance.integers(2**31)
            self.backend.seed_dropout(int(seed))

    def _make_groups(self) -> list[Group]:
        """All parameters, or the head alone, or the head and a body that learns at another rate."""
        recipe = self.recipe
        body, head = split_head(list(self.shapes))
        if recipe.freeze_features:
            self.backend.freeze(self.model, body)
            return [self._group(head, 1.0)]
        if recipe.body_learning_rate is None:
            return [self._group([*body, *head], 1.0)]
        return [self._group(head, 1.0), self._group(body, recipe.body_learning_rate / recipe.learning_rate)]

    def _group(self, names: Sequence[str], factor: float) -> Group:
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
        return Group(optimizer, factor, frozenset(names))


def _float32(value: float) -> float:
    """As paddle keeps it, even in float64; torch is given the same."""
    return float(np.float32(value))
