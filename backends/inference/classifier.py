"""Classifier on labelled images: batches in, metrics out."""

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np

from backends import Backend, Model
from common.dataset.index import Index
from common.loader.loader import Loader
from common.terminal import progress
from common.training.metrics import ConfusionMatrix, RunningMean, TopKError
from common.training.recipes import Recipe
from common.transforms.data_config import DataConfig
from common.weights.checkpoint import ModelConfig


def evaluation_loader(
    index: Index,
    preparation: DataConfig,
    *,
    device: str,
    batch_size: int = 64,
    workers: int = 0,
    strict: bool = False,
    cache_bytes: int = 0,
) -> Loader:
    """Images as evaluation prepares them, in their order.

    What cannot be decoded is left out, or refused.
    """
    return Loader(
        index=index,
        preprocessing=preparation.for_evaluation(),
        cache_bytes=cache_bytes,
        batch_size=batch_size,
        workers=workers,
        on_damage="refuse" if strict else "leave out",
        as_bytes=device != "cpu",
    )


class Scores:
    """Loss and error rates over batches of logits."""

    def __init__(self, num_classes: int) -> None:
        self.loss, self.top1, self.top5 = RunningMean(), TopKError(1), TopKError(5)
        self.confusion = ConfusionMatrix(num_classes)

    def update(self, logits: np.ndarray, labels: np.ndarray) -> None:
        """Add a batch: logits (batch, classes), labels (batch,)."""
        self.loss.update(float(cross_entropy(logits, labels).mean()), len(labels))
        for metric in (self.top1, self.top5, self.confusion):
            metric.update(logits, labels)

    def counts(self) -> np.ndarray:
        """Everything counted so far as float64: what several processes counted can be added."""
        own = [self.loss.total, self.loss.count]
        for each in (self.top1, self.top5):
            own += [each.wrong, each.count, each.not_finite]
        own += [self.confusion.not_finite, *self.confusion.counts.flat]
        return np.array(own, dtype=np.float64)

    def take(self, counts: np.ndarray) -> None:
        """Replace the counters by ``counts``, as returned by ``counts()``."""
        self.loss.total, self.loss.count = float(counts[0]), int(counts[1])
        for place, each in ((2, self.top1), (5, self.top5)):
            each.wrong, each.count, each.not_finite = counts[place : place + 3].astype(int).tolist()
        self.confusion.not_finite = int(counts[8])
        self.confusion.counts = counts[9:].astype(np.int64).reshape(self.confusion.counts.shape)

    @property
    def accuracy(self) -> float | None:
        """Of all images, the share that is classified rightly; None without an image."""
        return None if self.top1.value is None else 1 - self.top1.value

    def to_json(self, classes: tuple[str, ...]) -> dict[str, Any]:
        """The object of a result file."""
        counts = self.confusion.counts
        rows = zip(classes, self.confusion.precision(), self.confusion.recall(), counts, strict=True)
        return {
            "images": self.top1.count,
            "not_finite": self.top1.not_finite,
            "top1_error": self.top1.value,
            "top5_error": self.top5.value,
            "loss": self.loss.value if np.isfinite(self.loss.total) else None,
            "confusion_matrix": counts.tolist(),
            "per_class": [
                {"class": name, "images": int(row.sum()), "precision": precision, "recall": recall}
                for name, precision, recall, row in rows
            ],
        }


def cross_entropy(logits: np.ndarray, labels: np.ndarray) -> np.ndarray:
    """Of each row, float64 (batch,)."""
    with np.errstate(invalid="ignore"):  # of logits that are not finite
        shifted = logits.astype(np.float64) - logits.max(axis=1, keepdims=True)
        own = np.take_along_axis(shifted, labels[:, np.newaxis], axis=1)[:, 0]
        losses: np.ndarray = np.log(np.exp(shifted).sum(axis=1)) - own
    return losses


def probabilities(logits: np.ndarray) -> np.ndarray:
    """Softmax of each row, float64 (batch, classes)."""
    exponents = np.exp(logits.astype(np.float64) - logits.max(axis=1, keepdims=True))
    return np.asarray(exponents / exponents.sum(axis=1, keepdims=True))


@dataclass(frozen=True, kw_only=True)
class Classifier:
    """A built model in use."""

    backend: Backend
    model: Model
    device: str
    precision: str

    def logits(self, images: np.ndarray) -> np.ndarray:
        """Logits (batch, classes) of images (batch, channels, height, width), in evaluation mode."""
        inputs = self.backend.from_numpy(images, device=self.device, precision=self.precision)
        return self.backend.to_numpy(self.backend.infer(self.model, inputs))

    def over(self, loader: Loader) -> Iterator[tuple[np.ndarray, np.ndarray]]:
        """Logits and labels of each batch of a loader's images.

        On a GPU they are fed as bytes.
        """
        batches = (batch for batch in loader.epoch(0) if len(batch[1]))  # some of its images were decoded
        where = {"device": self.device, "precision": self.precision}
        for images, labels in self.backend.feed(batches, preprocessing=loader.preprocessing, **where):
            logits = self.backend.infer(self.model, images)
            yield self.backend.to_numpy(logits), self.backend.to_numpy(labels)

    def score(
        self,
        loader: Loader,
        *,
        num_classes: int,
        what: str = "",
        shown: bool = True,
        keep: Callable[[np.ndarray], object] = lambda _: None,
    ) -> Scores:
        """Compute the model's metrics on a loader's images; ``what`` stands before the bar.

        ``keep`` is given the logits of each batch.
        """
        scores = Scores(num_classes)
        with progress(total=len(loader.index), unit="images", what=what, shown=shown) as bar:
            for logits, labels in self.over(loader):
                scores.update(logits, labels)
                keep(logits)
                bar.update(len(labels))
        return scores


def build(
    backend: Backend, subject: ModelConfig, *, precision: str, device: str, training: Recipe | None = None
) -> Model:
    """The subject's model, for training with the recipe's dropout, else for evaluation."""
    options: dict[str, Any] = dict(subject.options)
    if training is not None and subject.model != "lenet5":  # which has no dropout
        options["dropout"] = training.dropout
    model = backend.build(
        subject.model,
        num_classes=subject.num_classes,
        channels=subject.channels,
        precision=precision,
        device=device,
        **options,
    )
    backend.set_training(model, training is not None)
    return model


def split_head(names: Sequence[str]) -> tuple[list[str], list[str]]:
    """Parameter names of the body and of the head: the last layer, in definition order."""
    head = names[-1].rpartition(".")[0]
    return (
        [name for name in names if name.rpartition(".")[0] != head],
        [name for name in names if name.rpartition(".")[0] == head],
    )
