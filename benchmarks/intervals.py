"""Statistics of raw step times: percentiles, the ratio of two sides, its interval and its noise."""

import math
from collections.abc import Sequence
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
    """The second side's throughput over the first's, with its interval and the noise of an A/A comparison.

    Each round has a ratio of its own, of the medians of its steps, in which whatever slowed down both sides
    cancels. ``ratio`` is the Hodges-Lehmann estimate of these (1963): the median of all pairs' means, on
    a logarithmic scale, which a few disturbed rounds do not move.

    ``processes`` says how many of the rounds, in order, each pair of processes ran; without it, one pair
    ran all. The interval is where the ratio of a repetition of the whole measurement lies with 95 %, which
    is wider by the square root of two than where the true ratio lies: a repetition is uncertain as well.
    Noise is half of such an interval of a backend's first blocks against its second ones, the wider of both;
    both are one process's, so that what processes differ by is no part of it.
    """
    ratios = _ratios([_joined(blocks) for blocks in first], [_joined(blocks) for blocks in second])
    return RatioEstimate(
        ratio=math.exp(_hodges_lehmann(ratios)),
        interval=_interval(ratios, sizes=list(processes) or [len(ratios)], seed=seed),
        noise=max(_noise(first, seed), _noise(second, seed)),
    )


def drift(first: Rounds, second: Rounds) -> float:
    """By how much the ratio moved from the first half of the rounds to the second, relative."""
    ratios = _ratios([_joined(blocks) for blocks in first], [_joined(blocks) for blocks in second])
    early, late = (_hodges_lehmann(half) for half in np.array_split(ratios, 2))
    return math.exp(late - early) - 1


def outlier_fraction(step_seconds: Sequence[float]) -> float:
    """The part of the steps that took longer than the median by five times the median deviation.

    They are told and kept: the median does not mind them. (Of normal noise, one in 1,300 is as far out.)
    """
    steps = np.asarray(step_seconds)
    deviation = np.median(np.abs(steps - np.median(steps)))
    return float(np.mean(steps > np.median(steps) + 5 * deviation)) if deviation > 0 else 0.0


def _noise(rounds: Rounds, seed: int) -> float:
    ratios = _ratios(*zip(*rounds, strict=True))
    low, high = _interval(ratios, sizes=[len(ratios)], seed=seed)
    return (high - low) / 2


def _joined(blocks: Sequence[Sequence[float]]) -> list[float]:
    return [step for block in blocks for step in block]


def _ratios(first: Sequence[Sequence[float]], second: Sequence[Sequence[float]]) -> np.ndarray:
    """Logarithm of the ratio of the median steps, round by round."""
    return np.log([np.median(ours) / np.median(theirs) for ours, theirs in zip(first, second, strict=True)])


def _hodges_lehmann(values: np.ndarray) -> float:
    one, other = np.triu_indices(len(values))
    return float(np.median((values[one] + values[other]) / 2))


def _interval(ratios: np.ndarray, *, sizes: Sequence[int], seed: int) -> tuple[float, float]:
    """Bootstrap interval of a repetition, from the logarithms of the rounds' ratios.

    Whole processes are drawn anew, each with its rounds: drawing rounds as well would count twice what they
    differ by (Davison and Hinkley 1997, "Bootstrap Methods and their Application", section 3.8). Where one
    process ran all, rounds are drawn, in runs of neighbours: a machine is busy for a while, and single rounds
    would look more independent than they are (Kuensch 1989). Either is widened for its small number, as
    Hesterberg (2015, "What Teachers Should Know about the Bootstrap", section 3.2) does for the plain one.
    """
    rng = np.random.default_rng(seed)
    own = np.split(ratios, np.cumsum(sizes)[:-1])
    draw, number = (_processes, len(own)) if len(own) > 1 else (_neighbours, len(ratios))
    centre = _hodges_lehmann(ratios)
    draws = np.asarray([_hodges_lehmann(draw(own, rng)) - centre for _ in range(RESAMPLES)])
    tail = (1 - CONFIDENCE) / 2
    low, high = np.percentile(draws, [100 * tail, 100 * (1 - tail)]) * _widening(number) * REPETITION
    return math.exp(centre + min(low, 0.0)), math.exp(centre + max(high, 0.0))


def _widening(number: int) -> float:
    """By how much a bootstrap of so few things is too narrow: Student's t, and n instead of n - 1."""
    from scipy import stats  # 0.5 s to import: not for --help

    tail = (1 - CONFIDENCE) / 2
    return float(stats.t.ppf(tail, df=number - 1) / stats.norm.ppf(tail) * np.sqrt(number / (number - 1)))


def _processes(own: Sequence[np.ndarray], rng: np.random.Generator) -> np.ndarray:
    """As many processes, each with all its rounds."""
    return np.concatenate([own[place] for place in rng.integers(len(own), size=len(own))])


def _neighbours(own: Sequence[np.ndarray], rng: np.random.Generator) -> np.ndarray:
    """As many rounds of one process, in runs of the cube root of their number; the last joins the first."""
    rounds: np.ndarray = own[0]
    length = max(1, round(len(rounds) ** (1 / 3)))
    first = rng.integers(len(rounds), size=-(-len(rounds) // length))
    places = (first[:, None] + np.arange(length)).ravel()[: len(rounds)]
    drawn: np.ndarray = rounds[places % len(rounds)]
    return drawn
