"""Verdicts on what is random: do two samples come from one distribution? Asks nobody."""

from collections.abc import Mapping
from dataclasses import replace

import numpy as np

from benchmarks.parity.judge.gap import FAIL, Gap, compare, missing

FREQUENCY = 5.0  # standard deviations by which two shares may differ
FEW_VALUES = 8  # as many values, or fewer, are compared one by one
UNLIKELY = 1e-6  # that two samples of one distribution are told apart by Kolmogorov's and Smirnov's test

Arrays = Mapping[str, np.ndarray]


def distributions(ours: Arrays, theirs: Arrays, *, tolerance: float) -> list[Gap]:
    """A Gap for each output: one shape, neighbours equal as often, values as often or the same spread."""
    names = [name for name in dict.fromkeys([*ours, *theirs]) if name.startswith("output")]
    return [_compared(name, ours.get(name), theirs.get(name), tolerance=tolerance) for name in names]


def _compared(name: str, left: np.ndarray | None, right: np.ndarray | None, *, tolerance: float) -> Gap:
    if left is None or right is None:
        return missing(name, note="on one side only", tolerance=tolerance)
    if left.shape != right.shape:
        return compare(name, left, right, tolerance=tolerance)
    note = ""
    # From the last axis on: what is drawn once for many numbers is counted once from there.
    for axis in reversed(range(left.ndim)):
        equal = [np.diff(side, axis=axis) == 0 for side in (left, right)]
        counts = [np.array([np.sum(same), np.sum(~same)]) for same in equal]
        if all(same.all() for same in equal):
            left, right = (side.take([0], axis) for side in (left, right))
        elif _too_far(*counts):
            note = f"neighbours along axis {axis} equal, or not: shares {' and '.join(map(_shares, counts))}"
    gap = _distribution(name, left.ravel(), right.ravel(), tolerance=tolerance)
    return _unlike(gap, note) if note and gap.passed else gap


def _distribution(name: str, left: np.ndarray, right: np.ndarray, *, tolerance: float) -> Gap:
    values = [np.unique(side, return_counts=True) for side in (left, right)]
    if max(len(unique) for unique, _ in values) <= FEW_VALUES:
        gap = compare(name, values[0][0], values[1][0], tolerance=tolerance)
        if gap.passed and _too_far(values[0][1], values[1][1]):
            return _unlike(gap, f"shares {_shares(values[0][1])} and {_shares(values[1][1])}")
        return gap
    shape_gap = _largest_step(left, right)
    spread = f"standard deviation {left.std():.4g} and {right.std():.4g}, "
    spread += f"from {left.min():.4g} to {left.max():.4g} and from {right.min():.4g} to {right.max():.4g}"
    chance = np.sqrt(-np.log(UNLIKELY / 2) / 2 * (1 / left.size + 1 / right.size))
    unlike = shape_gap > chance or _moments_differ(left, right)
    apart = max(shape_gap, abs(left.std() / (right.std() or 1.0) - 1)) if unlike else 0.0
    gap = replace(compare(name, left, left, tolerance=0.0), relative_l2=apart, max_abs=apart, note=spread)
    return _unlike(gap, spread) if apart else gap


def _largest_step(left: np.ndarray, right: np.ndarray) -> float:
    """The statistic of Kolmogorov and Smirnov: how far two samples' distribution functions are apart."""
    both = np.concatenate([left, right])
    ranks = [np.searchsorted(np.sort(side), both, side="right") / side.size for side in (left, right)]
    return float(np.abs(ranks[0] - ranks[1]).max())


def _moments_differ(left: np.ndarray, right: np.ndarray) -> bool:
    """Means or variances of two samples that chance does not explain: a scale shows in them first."""
    centred = [side - side.mean() for side in (left, right)]
    squares = [side**2 for side in centred]
    means = abs(left.mean() - right.mean()), sum(s.mean() / s.size for s in squares)
    variances = abs(squares[0].mean() - squares[1].mean()), sum(s.var() / s.size for s in squares)
    return any(apart > FREQUENCY * np.sqrt(chance) for apart, chance in (means, variances))


def _too_far(left: np.ndarray, right: np.ndarray) -> bool:
    """Shares of two samples that chance does not explain."""
    total = np.array([left.sum(), right.sum()])
    pooled = (left + right) / total.sum()
    deviation = np.sqrt(pooled * (1 - pooled) * (1 / total).sum())
    return bool((np.abs(left / total[0] - right / total[1]) > FREQUENCY * deviation + 1e-12).any())


def _shares(counts: np.ndarray) -> str:
    return ", ".join(f"{share:.3f}" for share in counts / counts.sum())


def _unlike(gap: Gap, note: str) -> Gap:
    size = gap.relative_l2 or 1.0
    return replace(gap, relative_l2=size, max_abs=size, tolerance=0.0, verdict=FAIL, note=note)
