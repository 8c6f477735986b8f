"""What both sides say of many images, batch after batch: distances, best classes, and where they differ."""

from collections.abc import Sequence
from dataclasses import dataclass, field

import numpy as np

from benchmarks.results.parity_schema import Ranking

TOP = 5
MOST_LISTED = 20  # disagreements that are listed; all are counted


@dataclass
class Spread:
    """Largest and mean absolute difference of all finite numbers so far."""

    largest: float = 0.0
    total: float = 0.0
    numbers: int = 0
    images: int = 0

    def add(self, difference: np.ndarray) -> None:
        """Count the absolute differences of a batch, (batch, ...)."""
        known = difference[np.isfinite(difference)]
        self.largest = max(self.largest, float(known.max(initial=0.0)))
        self.total += float(known.sum(dtype=np.float64))
        self.numbers += known.size
        self.images += len(difference)

    @property
    def mean(self) -> float | None:
        """The mean; None before the first number."""
        return self.total / self.numbers if self.numbers else None


@dataclass
class Tally:
    """Counts over all images so far, and the images that are worth a look in float64.

    ``top1`` and ``top5`` are None where the logits are not (batch, classes) or there are too few classes.
    """

    logits: Spread = field(default_factory=Spread)
    features: Spread = field(default_factory=Spread)
    top1: int | None = 0
    top5: int | None = 0
    not_finite: int = 0
    disagreeing: int = 0
    disagreements: list[tuple[int, Ranking]] = field(default_factory=list)
    _suspects: list[tuple[tuple[bool, bool, float], int]] = field(default_factory=list)

    def add(self, ours: np.ndarray, theirs: np.ndarray, positions: Sequence[int]) -> None:
        """Compare the logits (batch, classes, ...) of the images at these positions of a list."""
        if ours.shape != theirs.shape:
            raise ValueError(f"the logits are {ours.shape} on torch and {theirs.shape} on paddle")
        ours, theirs = (side.astype(np.float64, copy=False) for side in (ours, theirs))
        with np.errstate(invalid="ignore"):  # infinity minus infinity
            difference = np.abs(ours - theirs)
        self.logits.add(difference)
        flat = difference.reshape(len(difference), -1)
        apart: np.ndarray = np.nan_to_num(flat.max(axis=1), nan=np.inf, posinf=np.inf)
        broken: np.ndarray = np.isinf(apart)
        self.not_finite += int(broken.sum())
        differing = self._rank(ours, theirs, apart, positions)
        keys = zip(broken.tolist(), differing.tolist(), apart.tolist(), strict=True)
        self._suspects += zip(keys, positions, strict=True)
        self._suspects = sorted(self._suspects, key=lambda each: (each[0], -each[1]))[-MOST_LISTED:]

    def _rank(
        self, ours: np.ndarray, theirs: np.ndarray, apart: np.ndarray, positions: Sequence[int]
    ) -> np.ndarray:
        """Count the images of equal classes; True for each that has different ones."""
        if ours.ndim != 2 or ours.shape[1] < 2:
            self.top1 = self.top5 = None
            return np.zeros(len(ours), bool)
        best = ours.argmax(axis=1), theirs.argmax(axis=1)
        differing: np.ndarray = np.not_equal(*best)
        self.disagreeing += int(differing.sum())
        if self.top1 is not None:
            self.top1 += int((~differing).sum())
        if ours.shape[1] <= TOP:
            self.top5 = None
        elif self.top5 is not None:
            self.top5 += int((_best_classes(ours) == _best_classes(theirs)).all(axis=1).sum())
        for row in np.flatnonzero(differing).tolist():
            if len(self.disagreements) < MOST_LISTED:
                self.disagreements.append((positions[row], ranking(ours[row], theirs[row], apart[row])))
        return differing

    def suspects(self, count: int) -> list[int]:
        """Positions of the images to check in float64, worst first.

        Those with NaN or infinity come first, then those of different classes, then the largest distances.
        """
        return [position for _, position in reversed(self._suspects)][:count]


def ranking(ours: np.ndarray, theirs: np.ndarray, apart: float) -> Ranking:
    """The best class of each side for one image's logits, (classes,)."""
    return Ranking(
        torch_class=int(ours.argmax()),
        paddle_class=int(theirs.argmax()),
        torch_margin=_margin(ours),
        paddle_margin=_margin(theirs),
        max_abs=float(apart) if np.isfinite(apart) else None,
    )


def _best_classes(logits: np.ndarray) -> np.ndarray:
    """The five best classes of each image, in ascending order."""
    best: np.ndarray = np.sort(np.argpartition(logits, -TOP, axis=1)[:, -TOP:], axis=1)
    return best


def _margin(logits: np.ndarray) -> float | None:
    """How far the best logit is ahead of the second; None where one of them is not finite."""
    second, first = np.partition(logits, -2)[-2:]
    margin = float(first - second) if np.isfinite((first, second)).all() else None
    return margin
