"""Statistics of raw step times: percentiles, the ratio of two sides, its interval and its noise."""

import math
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Literal

import numpy as np

RESAMPLES = 2000
CONFIDENCE = 0.95
REPETITION = math.sqrt(2)  # two uncertain ratios differ by so much more than one from the truth

Rounds = Sequence[tuple[Sequence[float], Sequence[float]]]  # per round: first block, second block


@dataclass(frozen=True, kw_only=True)
class RatioEstimate:
    """Throughput of the second side over the first. ``noise``: what the method finds between equal things."""

    ratio: float
    interval: tuple[float, float]
    noise: float

    @property
    def verdict(self) -> Literal["first faster", "second faster", "no difference"]:
        """Who is faster, if anyone: not inside the interval, and not inside the noise."""
        low, high = self.interval
        if low <= 1 <= high or abs(self.ratio - 1) <= self.noise:
            return "no difference"
        return "second faster" if self.ratio > 1 else "first faster"


def percentiles_ms(step_seconds: Sequence[float]) -> dict[str, float]:
    """The 50th, 95th and 99th percentile in milliseconds."""
    values = np.percentile(step_seconds, [50, 95, 99]) * 1000
    return dict(zip(("p50", "p95", "p99"), map(float, values), strict=True))


def estimate_ratio(
    first: Rounds, second: Rounds, *, processes: Sequence[int] = (), seed: int = 0
) -> RatioEstimate:
    """The ratio of median step times, with its interval and the noise of an A/A comparison.

    ``processes`` says how many of the rounds, in order, each pair of processes ran; without it, one pair
    ran all. The interval is where the ratio of a repetition of the whole measurement lies with 95 %, which
    is wider by the square root of two than where the true ratio lies: a repetition is uncertain as well.
    Noise is half of such an interval of a backend's first blocks against its second ones, the wider of both;
    both are one process's, so that what processes differ by is no part of it.
    """
    ours, theirs = _Blocks(first), _Blocks(second)
    sizes = list(processes) or [len(first)]

    def ratio(chosen: np.ndarray) -> float:
        return ours.median(chosen) / theirs.median(chosen)

    def noise(blocks: _Blocks) -> float:
        low, high = _interval(
            lambda chosen: blocks.median(chosen, 0) / blocks.median(chosen, 1),
            sizes=[len(first)],
            seed=seed,
        )
        return (high - low) / 2

    return RatioEstimate(
        ratio=ratio(np.arange(len(first))),
        interval=_interval(ratio, sizes=sizes, seed=seed),
        noise=max(noise(ours), noise(theirs)),
    )


def drift(first: Rounds, second: Rounds) -> float:
    """By how much the ratio moved from the first half of the rounds to the second, relative."""
    ours, theirs = _Blocks(first), _Blocks(second)
    halves = np.array_split(np.arange(len(first)), 2)
    early, late = (ours.median(half) / theirs.median(half) for half in halves)
    return late / early - 1


def outlier_fraction(step_seconds: Sequence[float]) -> float:
    """The part of the steps that took longer than the median by five times the median deviation.

    They are told and kept: the median does not mind them. (Of normal noise, one in 1,300 is as far out.)
    """
    steps = np.asarray(step_seconds)
    deviation = np.median(np.abs(steps - np.median(steps)))
    return float(np.mean(steps > np.median(steps) + 5 * deviation)) if deviation > 0 else 0.0


class _Blocks:
    """One backend's step times as arrays: by round, then its first, its second, or both blocks."""

    def __init__(self, rounds: Rounds) -> None:
        self._parts = [[np.asarray(block) for block in blocks] for blocks in zip(*rounds, strict=True)]
        self._whole = [np.concatenate(blocks) for blocks in zip(*self._parts, strict=True)]

    def median(self, chosen: np.ndarray, part: int | None = None) -> float:
        """Median step time of the chosen rounds, a round counting as often as it is chosen."""
        blocks = self._whole if part is None else self._parts[part]
        return float(np.median(np.concatenate([blocks[i] for i in chosen])))


def _interval(
    statistic: Callable[[np.ndarray], float], *, sizes: Sequence[int], seed: int
) -> tuple[float, float]:
    """Bootstrap interval of a repetition, on a logarithmic scale.

    Rounds are drawn anew within each process, in runs of neighbours (a machine is busy for a while: single
    rounds would look more independent than they are; Kuensch 1989), and processes are drawn anew on top
    of that, since each lies in memory in its own way. Each is widened for its small number, as Hesterberg
    (2015, "What Teachers Should Know about the Bootstrap", section 3.2) does for the plain interval.
    """
    rng = np.random.default_rng(seed)
    starts = np.cumsum([0, *sizes[:-1]])
    own = [np.arange(start, start + size) for start, size in zip(starts, sizes, strict=True)]
    centre = np.log(statistic(np.concatenate(own)))
    within = [np.log(statistic(_neighbours(own, rng))) - centre for _ in range(RESAMPLES)]
    draws = np.asarray(within) * _widening(sum(sizes))
    if len(own) > 1:
        means = np.log([statistic(rounds) for rounds in own])
        chosen = rng.integers(len(own), size=(RESAMPLES, len(own)))
        draws += (means[chosen].mean(axis=1) - means.mean()) * _widening(len(own))
    tail = (1 - CONFIDENCE) / 2
    low, high = np.percentile(draws, [100 * tail, 100 * (1 - tail)]) * REPETITION
    return float(np.exp(centre + min(low, 0.0))), float(np.exp(centre + max(high, 0.0)))


def _widening(number: int) -> float:
    """By how much a bootstrap of so few things is too narrow: Student's t, and n instead of n - 1."""
    from scipy import stats  # 0.5 s to import: not for --help

    tail = (1 - CONFIDENCE) / 2
    return float(stats.t.ppf(tail, df=number - 1) / stats.norm.ppf(tail) * np.sqrt(number / (number - 1)))


def _neighbours(own: Sequence[np.ndarray], rng: np.random.Generator) -> np.ndarray:
    """As many rounds of each process, in runs of the cube root of their number; the last joins the first."""
    drawn = []
    for rounds in own:
        length = max(1, round(len(rounds) ** (1 / 3)))
        first = rng.integers(len(rounds), size=-(-len(rounds) // length))
        places = (first[:, None] + np.arange(length)).ravel()[: len(rounds)]
        drawn.append(rounds[places % len(rounds)])
    return np.concatenate(drawn)
