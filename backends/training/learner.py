"""A model that learns on a backend: one update at a time, the same on both."""

from collections import deque
from collections.abc import Iterable, Iterator, Mapping
from contextlib import AbstractContextManager, nullcontext
from typing import Any, NamedTuple

import numpy as np

from backends import Backend, Model, Tensor
from backends.inference.classifier import Classifier, build
from backends.inference.own_model import get_all, set_all
from backends.training.param_groups import ParamGroups
from common.cli import UsageError
from common.runtime.distributed import Member, Share
from common.training.dropout_masks import Masks
from common.training.loss_scale import LossScale
from common.training.recipes import Recipe
from common.transforms.preprocessing import Preprocessing
from common.weights.checkpoint import ModelConfig


class MicroBatch(NamedTuple):
    """Micro-batch number ``number`` of a batch, on the device.

    ``last`` is True for the last one of its batch. The first ``counted`` images count, as ``share`` of those
    of all processes.
    """

    images: Tensor
    labels: Tensor
    number: int
    counted: int
    share: float
    last: bool


def micro_batches(
    backend: Backend,
    batches: Iterable[tuple[np.ndarray, np.ndarray]],
    shares: Iterable[Share],
    *,
    size: int,
    device: str,
    precision: str,
    preprocessing: Preprocessing,
) -> Iterator[MicroBatch]:
    """Micro-batches of ``size`` images or fewer.

    ``shares`` says of each batch which images count. Where none counts, there is one image of no share: the
    other processes wait for this one.
    """
    planned: deque[tuple[int, int, float, bool]] = deque()  # a GPU is fed ahead of what is asked for

    def cut() -> Iterator[tuple[np.ndarray, np.ndarray]]:
        for (images, labels), (own, whole) in zip(batches, shares, strict=False):
            taken = max(own, 1)
            for number, start in enumerate(range(0, taken, size)):
                end = min(start + size, taken)
                counted = min(end, own) - start
                planned.append((number, counted, counted / whole, end == taken))
                yield images[start:end], labels[start:end]

    fed = backend.feed(cut(), device=device, precision=precision, preprocessing=preprocessing)
    return (MicroBatch(images, labels, *planned.popleft()) for images, labels in fed)


ALONE = Member()


class Outcome(NamedTuple):
    """Outcome of a micro-batch, still on the device; its first ``counted`` images count."""

    logits: Tensor
    loss: Tensor
    labels: Tensor
    counted: int


class Learner:
    """A built model, its optimizers, and what they need to go on.

    Only arrays go in and out. As a ``member`` of several processes it works on its share of each batch, and
    all make the same update.
    """

    def __init__(
        self,
        backend: Backend,
        recipe: Recipe,
        subject: ModelConfig,
        *,
        device: str,
        shared_masks: bool = False,
        member: Member = ALONE,
    ) -> None:
        self.backend, self.recipe, self.device, self.member = backend, recipe, device, member
        self.preprocessing = subject.preparation.for_training()
        self._micro_batch_size = member.share_of(recipe.batch_size)
        backend.require_training(precision=recipe.precision, device=device)
        self.storage = "fp64" if recipe.precision == "fp64" else "fp32"
        self.model: Model = build(backend, subject, precision=self.storage, device=device, training=recipe)
        self.shapes = backend.parameter_shapes(self.model)
        if member.ranks > 1 and backend.get_buffers(self.model):
            raise UsageError("a model with running statistics trains in one process: each would have its own")
        self.scale = LossScale(active=recipe.precision == "fp16")
        self.updates = 0
        self._masks = Masks(recipe.seed, rank=member.rank, ranks=member.ranks) if shared_masks else None
        self._groups = ParamGroups(backend, self.model, recipe)
        self._replica: Model | None = None

    def micro_batches(
        self, batches: Iterable[tuple[np.ndarray, np.ndarray]], shares: Iterable[Share]
    ) -> Iterator[MicroBatch]:
        """Batches as ``learn`` takes them, in micro-batches of the recipe's batch size.

        On a GPU images are uint8, as ``Loader(as_bytes=True)`` gives them.
        """
        return micro_batches(
            self.backend,
            batches,
            shares,
            size=self._micro_batch_size,
            device=self.device,
            precision=self.storage,
            preprocessing=self.preprocessing,
        )

    def learn(self, micro_batch: MicroBatch, *, step: int, rate: float) -> Outcome:
        """Add a micro-batch's gradients to those of its batch.

        The last one of a batch makes the update. Each one's mean loss counts by its share of the images of
        all processes, so that micro-batches of any sizes have the gradients of the whole. ``step`` numbers
        the batches: chance depends on it and on the seed.
        """
        with self._chance(step, micro_batch.number), self._exchanging(last=micro_batch.last):
            with self.backend.autocast(precision=self.recipe.precision, device=self.device):
                logits, loss = self.backend.compute_loss(
                    self._replicated(),
                    micro_batch.images,
                    micro_batch.labels,
                    label_smoothing=self.recipe.label_smoothing,
                )
            # The replicas' gradients are averaged: each weighs as many images as it has.
            self.backend.backward(loss, scale=micro_batch.share * self.member.ranks * self.scale.value)
        if micro_batch.last:
            self.updates += self._groups.update(rate=rate, scale=self.scale)
        return Outcome(logits, loss, micro_batch.labels, micro_batch.counted)

    def update(
        self,
        images: np.ndarray,
        labels: np.ndarray,
        *,
        step: int,
        rate: float,
        share: Share | None = None,
    ) -> list[Outcome]:
        """One update on one batch, of which ``share`` counts (all of it)."""
        whole = share or Share(own=len(labels), whole=len(labels))
        return [
            self.learn(micro_batch, step=step, rate=rate)
            for micro_batch in self.micro_batches([(images, labels)], [whole])
        ]

    def classifier(self) -> Classifier:
        """The model in evaluation mode."""
        self.backend.set_training(self.model, False)
        return Classifier(backend=self.backend, model=self.model, device=self.device, precision=self.storage)

    def weights(self) -> dict[str, np.ndarray]:
        """A copy of every parameter, and of the buffers of a model that has any."""
        return get_all(self.backend, self.model)

    def load(self, weights: Mapping[str, np.ndarray], *, source: str) -> None:
        """Take over what ``weights`` gave, of a file named for messages."""
        set_all(self.backend, self.model, weights, source=source)

    def moments(self) -> dict[str, np.ndarray]:
        """A copy of what the optimizers remember: "PARAMETER/exp_avg" and so on."""
        return self._groups.moments()

    def restore(
        self,
        weights: Mapping[str, np.ndarray],
        moments: Mapping[str, np.ndarray],
        *,
        updates: int,
        scale: list[float],
    ) -> None:
        """Go on from these."""
        self.load(weights, source="the run")
        self._groups.restore(moments, updates=updates)
        self.updates = updates
        self.scale.restore(scale)

    def _chance(self, step: int, micro_batch: int) -> AbstractContextManager[Any]:
        """Inside, dropout depends on the seed, the step and the micro-batch alone."""
        if self._masks is not None:
            self._masks.at(step, micro_batch)
            return self.backend.masked_dropout(self.model, self._masks)
        chance = np.random.default_rng((self.recipe.seed, step, micro_batch, self.member.rank))
        self.backend.seed_dropout(int(chance.integers(2**31)))
        return nullcontext()

    def _replicated(self) -> Model:
        """The model that learns with the other processes'.

        It is made once its first weights are in place.
        """
        if self._replica is None:
            self._replica = self.model if self.member.ranks == 1 else self.backend.replicate(self.model)
        return self._replica

    def _exchanging(self, *, last: bool) -> AbstractContextManager[Any]:
        """Gradients are sent once in an update: with its last micro-batch."""
        if last or self.member.ranks == 1:
            return nullcontext()
        return self.backend.unsynchronised(self._replicated())
