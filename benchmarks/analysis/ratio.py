"""Statistics of raw step times: percentiles, the ratio of two sides, its interval and its noise."""

import math
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Literal

import numpy as np

RESAMPLES = 2000
CONFIDENCE = 0.95
REPETITION = math.sqrt(2)  # two uncertain ratios differ by so much more than one from the truth
NORMAL = 1.96  # deviations in half of a 95 % interval
# A slowdown of the shared host that lasts minutes is in all rounds of a run alike: they do not show it.
# Ten runs in a row, a minute or two each, on two cores of shared hosts: ratios spread by 8.1 % (AMD EPYC) and
# by 8.6 % (Intel Xeon): a deviation of 2.8 % beyond what the rounds showed. A GPU has no such neighbours.
SHARED_HOST = 0.03

Blocks = Sequence[Sequence[Sequence[float]]]  # per round: blocks of seconds a step
Rounds = Sequence[tuple[Sequence[float], Sequence[float]]]  # per round: first block, second block


@dataclass(frozen=True, kw_only=True)
class RatioEstimate:
    """Throughput of the second side over the first.

    ``noise``: what the method finds between equal things.
    """

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
    first: Rounds, second: Rounds, *, processes: Sequence[int] = (), slow: float = 0.0, seed: int = 0
) -> RatioEstimate:
    """The second side's throughput over the first's, with its interval and the noise of an A/A comparison.

    Each round has a ratio of its own, of the medians of its steps, in which whatever slowed down both sides
    cancels. ``ratio`` is the Hodges-Lehmann estimate of their logarithms, which a few disturbed rounds do not
    move.

    ``processes`` says how many of the rounds, in order, each pair of processes ran; without it, one pair
    ran all. The interval is where the ratio of a repetition of the whole measurement lies with 95 %, which
    is wider by the square root of two than where the true ratio lies: a repetition is uncertain as well.
    ``slow`` is the standard deviation of what stays the same within a measurement and is other in the next.
    Noise is half of such an interval of a backend's first blocks against its second ones, the wider of both;
    both are one process's, so that what processes differ by is no part of it.
    """
    ratios = _ratios(first, second)
    return RatioEstimate(
        ratio=math.exp(hodges_lehmann(ratios)),
        interval=_interval(ratios, sizes=list(processes) or [len(ratios)], slow=slow, seed=seed),
        noise=max(_noise(first, seed), _noise(second, seed)),
    )


def hodges_lehmann(values: np.ndarray) -> float:
    """The median of the means of all pairs of values, each with itself too (Hodges and Lehmann 1963).

    As exact as a mean where values scatter normally, and as little moved as a median by a few far off.
    """
    one, other = np.triu_indices(len(values))
    return float(np.median((values[one] + values[other]) / 2))


def drift(first: Rounds, second: Rounds) -> float:
    """By how much the ratio moved from the first half of the rounds to the second, relative."""
    return _moved(_ratios(first, second))


def pace(first: Rounds, second: Rounds) -> float:
    """By how much both became faster from the first half of the rounds to the second, relative.

    That is the machine's doing, which the ratio does not mind, and each side's own figure does.
    """
    return _moved((_medians(first) + _medians(second)) / -2)


def _moved(values: np.ndarray) -> float:
    early, late = (hodges_lehmann(half) for half in np.array_split(values, 2))
    return math.exp(late - early) - 1


def outlier_fraction(step_seconds: Sequence[float]) -> float:
    """The part of the steps that took longer than the median by five times the median deviation.

    They are reported and kept: the median does not mind them. (Of normal noise, one in 1,300 is as far out.)
    """
    steps = np.asarray(step_seconds)
    deviation = np.median(np.abs(steps - np.median(steps)))
    return float(np.mean(steps > np.median(steps) + 5 * deviation)) if deviation > 0 else 0.0


def _noise(rounds: Rounds, seed: int) -> float:
    ratios = _ratios([(block,) for block, _ in rounds], [(block,) for _, block in rounds])
    low, high = _interval(ratios, sizes=[len(ratios)], seed=seed)
    return (high - low) / 2


def _ratios(first: Blocks, second: Blocks) -> np.ndarray:
    """Logarithm of the ratio of the median steps, round by round."""
    return np.asarray(_medians(first) - _medians(second))


def _medians(rounds: Blocks) -> np.ndarray:
    """Logarithm of the median step of each round's blocks."""
    return np.asarray(np.log([np.median([step for block in blocks for step in block]) for blocks in rounds]))


def _interval(
    ratios: np.ndarray, *, sizes: Sequence[int], seed: int, slow: float = 0.0
) -> tuple[float, float]:
    """Bootstrap interval of a repetition, from the logarithms of the rounds' ratios.

    Rounds are drawn anew. Where one process ran all, in runs of neighbours: a machine is busy for a while,
    and single rounds would look more independent than they are (Kuensch 1989). Where several did, it is
    widened by what processes, each of which lies in memory in its own way, differ by beyond their rounds.
    """
    rng = np.random.default_rng(seed)
    run = 1 if len(sizes) > 1 else max(1, round(len(ratios) ** (1 / 3)))
    centre = hodges_lehmann(ratios)
    draws = [hodges_lehmann(_drawn(ratios, run, rng)) - centre for _ in range(RESAMPLES)]
    tail = (1 - CONFIDENCE) / 2
    widening = _widening(np.split(ratios, np.cumsum(sizes)[:-1]))
    low, high = np.percentile(draws, [100 * tail, 100 * (1 - tail)]) * widening
    unseen = NORMAL * slow
    below, above = (math.hypot(end, unseen) * REPETITION for end in (min(low, 0.0), max(high, 0.0)))
    return math.exp(centre - below), math.exp(centre + above)


def _widening(processes: Sequence[np.ndarray]) -> float:
    """By how much a bootstrap of all rounds is too narrow for these processes.

    For few rounds as Hesterberg (2015, "What Teachers Should Know about the Bootstrap", section 3.2) has it:
    Student's t, and n - 1 instead of n. Where the means of processes differ by more than their rounds
    explain, the variance of these means counts instead, with Satterthwaite's (1946) degrees of freedom for
    its two parts: three processes that happen to differ are known to be no more than three.
    """
    from scipy import stats  # 0.5 s to import: not for --help

    rounds = np.concatenate(processes)
    number, groups = len(rounds), len(processes)
    plain = np.var(rounds)
    if not plain:
        return 1.0
    variance, freedom = plain * number / (number - 1), float(number - 1)
    if 1 < groups < number:
        means = np.repeat([group.mean() for group in processes], [len(group) for group in processes])
        between = float(np.sum((means - rounds.mean()) ** 2)) / (groups - 1)
        within = float(np.sum((rounds - means) ** 2)) / (number - groups)
        if between > within:
            beyond = (between - within) ** 2 / (groups - 1) + within**2 / (number - groups)
            variance, freedom = between, between**2 / beyond
    tail = (1 - CONFIDENCE) / 2
    return float(stats.t.ppf(tail, df=freedom) / stats.norm.ppf(tail) * math.sqrt(variance / plain))


def _drawn(rounds: np.ndarray, run: int, rng: np.random.Generator) -> np.ndarray:
    """As many rounds, in runs of so many neighbours.

    The last round is the first one's neighbour.
    """
    first = rng.integers(len(rounds), size=-(-len(rounds) // run))
    places = (first[:, None] + np.arange(run)).ravel()[: len(rounds)]
    drawn: np.ndarray = rounds[places % len(rounds)]
    return drawn
