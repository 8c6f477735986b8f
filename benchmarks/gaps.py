"""How far apart two tensors are, on a scale that does not depend on their size."""

from dataclasses import dataclass, replace
from pathlib import Path

import numpy as np

from benchmarks.known_rounding import KnownRounding
from common import tensor_file

TOLERANCE = 1e-12  # relative L2 in float64; equal models here are 5e-15 apart
SQUARABLE = (1e-140, 1e150)  # lengths between these were not spoilt by squares that left float64
PASS, KNOWN, FAIL = "pass", "pass (known rounding)", "fail"


@dataclass(frozen=True, kw_only=True)
class Gap:
    """One tensor of both sides: their distance relative to torch's length, and what it means."""

    name: str
    shape: tuple[int, ...]
    relative_l2: float
    max_abs: float
    tolerance: float
    verdict: str
    constant: str | None = None  # of a known rounding
    reproduced_relative_l2: float | None = None  # with that constant on both sides

    @property
    def passed(self) -> bool:
        """Whether the two sides agree, known roundings included."""
        return self.verdict != FAIL


def compare(name: str, ours: np.ndarray, theirs: np.ndarray, *, tolerance: float = TOLERANCE) -> Gap:
    """Judge two tensors.

    NaN, infinity and unequal shapes fail; two zero tensors agree; from a zero tensor anything else is
    infinitely far.
    """
    distance, largest = _distance(ours, theirs)
    verdict = PASS if distance <= tolerance else FAIL
    return Gap(
        name=name,
        shape=ours.shape,
        relative_l2=distance,
        max_abs=largest,
        tolerance=tolerance,
        verdict=verdict,
    )


def compare_files(ours: Path, theirs: Path, *, expected: list[str]) -> list[Gap]:
    """Judge the tensors of two files, one at a time in memory. Both must hold just the expected names."""
    for path in (ours, theirs):
        assert tensor_file.names(path) == sorted(expected), f"{path} does not hold what was asked for"
    pairs = zip(tensor_file.stream(ours), tensor_file.stream(theirs), strict=True)
    return [compare(name, left, right) for (name, left), (_, right) in pairs]


def excuse(gap: Gap, reproduced: Gap, rounding: KnownRounding) -> Gap:
    """A failed gap, passed if it is gone once both sides have the same rounded constant."""
    return replace(
        gap,
        verdict=KNOWN if reproduced.passed and gap.relative_l2 <= rounding.bound else FAIL,
        constant=rounding.constant,
        reproduced_relative_l2=reproduced.relative_l2,
    )


def _distance(ours: np.ndarray, theirs: np.ndarray) -> tuple[float, float]:
    """(distance over the length of ``ours``, largest difference)."""
    if ours.shape != theirs.shape or not (np.isfinite(ours).all() and np.isfinite(theirs).all()):
        return float("inf"), float("inf")
    difference = np.subtract(ours, theirs, dtype=np.float64)
    distance, length = _length(difference), _length(ours)
    if distance == 0:
        return 0.0, 0.0
    return (distance / length if length else float("inf")), float(np.abs(difference).max())


def _length(array: np.ndarray) -> float:
    """Euclidean length, right also for numbers whose squares vanish or overflow."""
    numbers = array.ravel().astype(np.float64, copy=False)
    with np.errstate(over="ignore", under="ignore"):
        length = float(np.linalg.norm(numbers))
    if SQUARABLE[0] < length < SQUARABLE[1]:
        return length
    largest = float(np.abs(numbers).max(initial=0.0))
    return largest * float(np.linalg.norm(numbers / largest)) if largest else 0.0
