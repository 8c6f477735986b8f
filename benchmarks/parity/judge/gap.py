"""The verdict on one tensor: pass or fail, and the two excuses, a known rounding and mere noise."""

from collections.abc import Sequence
from dataclasses import dataclass, replace

import numpy as np

from benchmarks.parity.tensors.distance import distance

TOLERANCE = 1e-12  # relative L2 in float64; equal models here are 5e-15 apart
SPREAD = 30  # a tensor may differ by so many times what one unit in the last place of the images does to it
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
    noise: float | None = None  # how far torch's own tensor moves with one unit in the last place
    note: str | None = None

    @property
    def passed(self) -> bool:
        """True if the two sides agree, known roundings included."""
        return self.verdict != FAIL

    @property
    def is_beyond_bound(self) -> bool:
        """True if a known rounding was reproduced and the gap is larger than it makes: no excuse."""
        reproduced = self.reproduced_relative_l2
        return self.verdict == FAIL and reproduced is not None and reproduced <= self.tolerance


def compare(name: str, ours: np.ndarray, theirs: np.ndarray, *, tolerance: float = TOLERANCE) -> Gap:
    """Judge two tensors.

    NaN, infinity and unequal shapes fail; two zero tensors agree; from a zero tensor anything else is
    infinitely far.
    """
    gap, largest = distance(ours, theirs)
    return Gap(
        name=name,
        shape=ours.shape,
        relative_l2=gap,
        max_abs=largest,
        tolerance=tolerance,
        verdict=PASS if gap <= tolerance else FAIL,
        note=None if ours.shape == theirs.shape else f"paddle's is {theirs.shape}",
    )


def missing(name: str, *, note: str, tolerance: float = TOLERANCE) -> Gap:
    """A tensor that one side alone has."""
    infinite = float("inf")
    return Gap(
        name=name,
        shape=(),
        relative_l2=infinite,
        max_abs=infinite,
        tolerance=tolerance,
        verdict=FAIL,
        note=note,
    )


def excuse(gap: Gap, reproduced: Gap, *, constant: str, bound: float) -> Gap:
    """A failed gap, passed if it is gone once both sides have the same rounded constants."""
    if gap.is_beyond_bound:  # another rounding's bound is not its own
        return gap
    return replace(
        gap,
        verdict=KNOWN if reproduced.passed and gap.relative_l2 <= bound else FAIL,
        constant=constant,
        reproduced_relative_l2=reproduced.relative_l2,
    )


def allow_noise(gap: Gap, *, moved: float) -> Gap:
    """A failed gap, passed if torch's own tensor moves nearly as far when nothing but rounding changes.

    ``moved`` is how far one unit in the last place of the images moves it. A gradient that is zero but
    for cancellation, as of a bias before batch normalisation, is all rounding.
    """
    if gap.is_beyond_bound:
        return gap
    tolerance = max(gap.tolerance, SPREAD * moved)
    left = gap.relative_l2 if gap.reproduced_relative_l2 is None else gap.reproduced_relative_l2
    known = gap.constant is not None and gap.relative_l2 > tolerance
    return replace(
        gap,
        tolerance=tolerance,
        verdict=(KNOWN if known else PASS) if left <= tolerance else FAIL,
        noise=moved,
        note=f"one unit in the last place of the images moves it by {moved:.1e}",
    )


def fact(name: str, shape: Sequence[int], *, verdict: str, note: str | None = None) -> Gap:
    """Something that is equal or not, without a distance."""
    return Gap(
        name=name, shape=tuple(shape), relative_l2=0.0, max_abs=0.0, tolerance=0.0, verdict=verdict, note=note
    )
