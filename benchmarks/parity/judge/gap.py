"""The verdict on one tensor: pass or fail, and the two excuses, a known rounding and mere noise."""

from collections.abc import Sequence
from dataclasses import dataclass, replace

import numpy as np

from benchmarks.parity.judge import sentences
from benchmarks.parity.tensors.distance import distance

TOLERANCE = 1e-12  # relative L2 in float64; equal models here are 5e-15 apart
SPREAD = 30  # a tensor may differ by so many times what one unit in the last place of the images does to it
MOST_NOISE = 1e-3  # no tensor may differ by more for noise, unless it is zero but for rounding
CANCELLED = 1e-9  # so short, beside the longest of its kind, is a tensor that is zero but for rounding
PASS, KNOWN, DIFFERENCE, FAIL = "pass", "pass (known rounding)", "pass (known difference)", "fail"


HAS_NAN = "has NaN"


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
    difference: str | None = None  # a known difference of the frameworks, proven in this run

    @property
    def passed(self) -> bool:
        """True if the two sides agree, known roundings and known differences included."""
        return self.verdict != FAIL

    @property
    def has_nan(self) -> bool:
        """True if a side has NaN, which no layer may compute, whether a result sees it or not."""
        return HAS_NAN in (self.note or "")

    @property
    def is_beyond_bound(self) -> bool:
        """True if a known rounding was reproduced and the gap is larger than it makes: no excuse."""
        reproduced = self.reproduced_relative_l2
        return self.verdict == FAIL and reproduced is not None and reproduced <= self.tolerance


def compare(
    name: str,
    ours: np.ndarray,
    theirs: np.ndarray,
    *,
    tolerance: float = TOLERANCE,
    equal_nan: bool = False,
) -> Gap:
    """Judge two tensors.

    NaN, infinity and unequal shapes fail; two zero tensors agree; from a zero tensor anything else is
    infinitely far. With ``equal_nan`` NaN and infinity agree with themselves, and the rest is compared.
    """
    note = None if ours.shape == theirs.shape else f"paddle's is {theirs.shape}"
    found = not_finite(ours, theirs)
    if found and note is None and equal_nan and same_places(ours, theirs):
        ours, theirs = (np.where(np.isfinite(side), side, 0) for side in (ours, theirs))
        note = f"{found}: the same on both sides, as was allowed"
    gap, largest = distance(ours, theirs)
    return Gap(
        name=name,
        shape=ours.shape,
        relative_l2=gap,
        max_abs=largest,
        tolerance=tolerance,
        verdict=PASS if gap <= tolerance else FAIL,
        note=note or found,
    )


def not_finite(ours: np.ndarray, theirs: np.ndarray) -> str | None:
    """Which side has NaN or infinity, and in how many of its numbers; None if neither has."""
    words = [
        message.format(side=side, count=f"{count:,}", all=f"{ours.size:,}")
        for side, array in (("torch", ours), ("paddle", theirs))
        for message, is_bad in ((sentences.NAN, np.isnan), (sentences.INFINITY, np.isinf))
        if array.dtype.kind in "fc" and (count := int(is_bad(array).sum()))
    ]
    return "; ".join(words) or None


def same_places(ours: np.ndarray, theirs: np.ndarray) -> bool:
    """True if NaN and the infinities are at the same places on both sides."""
    finite = np.isfinite(ours)
    return bool(
        np.array_equal(finite, np.isfinite(theirs))
        and np.array_equal(ours[~finite], theirs[~finite], equal_nan=True)
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


def excuse(gap: Gap, reproduced: Gap, *, constant: str, bound: float, difference: str | None = None) -> Gap:
    """A failed gap, passed if it is gone once both sides have the same rounded constants.

    ``difference``: what was reproduced is a known difference of the frameworks, a rule and no constant.
    """
    if gap.is_beyond_bound:  # another rounding's bound is not its own
        return gap
    is_excused = reproduced.passed and gap.relative_l2 <= bound
    if is_excused and difference is not None:
        return as_difference(gap, difference=difference, left=reproduced.relative_l2)
    return replace(
        gap,
        verdict=KNOWN if is_excused else FAIL,
        constant=constant,
        reproduced_relative_l2=reproduced.relative_l2,
    )


def allow_noise(
    gap: Gap, *, moved: float, share: float = 1.0, most: float = MOST_NOISE, what: str = "images"
) -> Gap:
    """A failed gap, passed if torch's own tensor moves nearly as far when nothing but rounding changes.

    ``moved`` is how far one unit in the last place of the images, or of ``what`` else, moves it. ``share`` is
    its length over the longest of its kind: a gradient that is zero but for cancellation, as of a bias
    before batch normalisation, is all rounding and may differ by more than ``most``. NaN and infinity are
    never noise.
    """
    if gap.is_beyond_bound or not np.isfinite([gap.relative_l2, moved]).all():
        return gap
    is_cancelled = share <= CANCELLED
    allowed = SPREAD * moved if is_cancelled else min(SPREAD * moved, most)
    tolerance = max(gap.tolerance, allowed)
    left = gap.relative_l2 if gap.reproduced_relative_l2 is None else gap.reproduced_relative_l2
    known = gap.constant is not None and gap.relative_l2 > tolerance
    note = sentences.MOVED_BY.format(what=what, gap=f"{moved:.1e}")
    if is_cancelled:
        note = f"{sentences.CANCELLED.format(share=f'{share:.0e}')}; {note}"
    return replace(
        gap,
        tolerance=tolerance,
        verdict=(KNOWN if known else PASS) if left <= tolerance else FAIL,
        noise=moved,
        note=f"{gap.note}; {note}" if gap.note else note,
    )


def as_difference(gap: Gap, *, difference: str, left: float) -> Gap:
    """A failed gap that a known difference of the frameworks explains, and what is left with its rule."""
    return replace(gap, verdict=DIFFERENCE, difference=difference, reproduced_relative_l2=left)


def fact(name: str, shape: Sequence[int], *, verdict: str, note: str | None = None) -> Gap:
    """Something that is equal or not, without a distance."""
    return Gap(
        name=name, shape=tuple(shape), relative_l2=0.0, max_abs=0.0, tolerance=0.0, verdict=verdict, note=note
    )
