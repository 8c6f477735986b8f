"""Metrics of a classifier: error rates, means, confusion matrix.

Arrays in, numbers out; each is updated batch by batch. Samples whose logits are not all finite cannot be
ranked: they count as wrong, in no column of the confusion matrix, and ``not_finite`` counts them.
"""

import numpy as np

from common.runtime.memory import require_memory


class RunningMean:
    """The mean of a per-sample value over batches of any sizes."""

    def __init__(self) -> None:
        self.total, self.count = 0.0, 0

    def update(self, mean: float, count: int) -> None:
        """Add a batch's mean over ``count`` samples."""
        self.add(mean * count, count)

    def add(self, total: float, count: int) -> None:
        """Add the sum over ``count`` samples."""
        self.total += total
        self.count += count

    @property
    def value(self) -> float | None:
        """The mean so far; None without a sample."""
        return self.total / self.count if self.count else None


class TopKError:
    """The 2012 paper's error rate: how often the label is not among the k most probable classes.

    Between equal logits the lower class index ranks first, as in argmax. With fewer than k classes
    the label is always among them.
    """

    def __init__(self, k: int) -> None:
        self.k = k
        self.wrong = self.count = self.not_finite = 0

    def update(self, logits: np.ndarray, labels: np.ndarray) -> None:
        """Add a batch: logits (batch, classes), labels (batch,) of integers."""
        finite = np.isfinite(logits).all(axis=1)
        own = np.take_along_axis(logits, labels[:, np.newaxis], axis=1)
        before = np.arange(logits.shape[1]) < labels[:, np.newaxis]
        with np.errstate(invalid="ignore"):
            rank = ((logits > own) | ((logits == own) & before)).sum(axis=1)
        self.wrong += int(((rank >= self.k) | ~finite).sum())
        self.count += len(labels)
        self.not_finite += int((~finite).sum())

    @property
    def value(self) -> float | None:
        """The error rate so far, 0..1; None without a sample."""
        return self.wrong / self.count if self.count else None


class ConfusionMatrix:
    """``counts[label, prediction]``: (classes, classes) of int64."""

    def __init__(self, num_classes: int) -> None:
        require_memory(8 * num_classes**2, f"a confusion matrix of {num_classes:,} classes")
        self.counts = np.zeros((num_classes, num_classes), dtype=np.int64)
        self.not_finite = 0

    def update(self, logits: np.ndarray, labels: np.ndarray) -> None:
        """Add a batch: logits (batch, classes), labels (batch,) of integers."""
        finite = np.isfinite(logits).all(axis=1)
        np.add.at(self.counts, (labels[finite], logits[finite].argmax(axis=1)), 1)
        self.not_finite += int((~finite).sum())

    def precision(self) -> list[float | None]:
        """Per class: of those predicted so, how many are.

        Returns None for a class that was never predicted.
        """
        return self._per_class(self.counts.sum(axis=0))

    def recall(self) -> list[float | None]:
        """Per class: of those that are, how many were predicted so.

        Returns None for a class that is absent.
        """
        return self._per_class(self.counts.sum(axis=1))

    def _per_class(self, totals: np.ndarray) -> list[float | None]:
        hits = self.counts.diagonal()
        return [int(hit) / int(total) if total else None for hit, total in zip(hits, totals, strict=True)]
