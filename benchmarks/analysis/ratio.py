"""Statistics of raw step times: percentiles, the ratio of two sides, its two intervals and its noise."""

import math
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from itertools import product
from statistics import median

import numpy as np

CONFIDENCE = 0.95
REPETITION = math.sqrt(2)  # two uncertain ratios differ by so much more than one from the truth
NORMAL = 1.96  # deviations in half of a 95 % interval
NORMAL_OF_MEDIAN = 1.4826  # a normal deviation over the median distance from the middle
# A slowdown of the shared host that lasts minutes is in all rounds of one pair alike: they do not show it.
# Ten runs in a row, a minute or two each, on two cores of shared hosts: ratios spread by 8.1 % (AMD EPYC) and
# by 8.6 % (Intel Xeon): a deviation of 2.8 % beyond what the rounds showed. A GPU has no such neighbours.
SHARED_HOST = 0.03
FEWEST_PAIRS = 3  # of which the spread says something; with fewer the rounds' own has to do
BATCHES = 8  # at least so many runs of neighbouring rounds, where there are as many rounds
PERCENTILES = {"p50": (50, 1), "p95": (95, 100), "p99": (99, 500)}  # percentile, fewest steps: 5 lie above

Blocks = Sequence[Sequence[Sequence[float]]]  # per round: blocks of seconds a step


@dataclass(frozen=True, kw_only=True)
class RatioEstimate:
    """Throughput of the second side over the first.

    ``interval`` is where the true ratio lies with 95 %, ``repetition`` where that of a run of the same length
    does. ``noise`` is what the method finds between equal things. ``of_rounds`` is the part of the
    uncertainty (a variance) that the rounds' own scatter explains, ``unseen`` the part that is assumed.
    """

    ratio: float
    interval: tuple[float, float]
    repetition: tuple[float, float]
    noise: float
    of_rounds: float
    unseen: float


def percentiles_ms(step_seconds: Sequence[float]) -> dict[str, float | None]:
    """The 50th, 95th and 99th percentile in milliseconds; None where there are too few steps for one."""
    return {
        name: float(np.percentile(step_seconds, percent)) * 1000 if len(step_seconds) >= fewest else None
        for name, (percent, fewest) in PERCENTILES.items()
    }


def estimate_ratio(
    first: Blocks, second: Blocks, *, pairs: Sequence[int] = (), slow: float = 0.0
) -> RatioEstimate:
    """The second side's throughput over the first's, with its intervals and the noise of an A/A comparison.

    Each round has a ratio of its own, of the medians of its steps, in which whatever slowed down both sides
    cancels. ``pairs`` says how many of the rounds, in order, each pair of processes ran; without it, one pair
    ran all. Each pair has a ratio, from the blocks of each of its rounds, which one slow block among few does
    not move; the result is the Hodges-Lehmann estimate of the pairs' logarithms. How uncertain it is comes
    from how pairs differ. They are spread over a run, and differ by what processes do, each of which lies in
    memory in its own way, and by what a host does for minutes. What a host does for longer than the run
    shows in nothing that is measured.

    Of fewer than three pairs that is not known. Then runs of neighbouring rounds take the pairs' place, and
    ``slow``, a standard deviation, stands for what they cannot show.
    """
    sizes = [size for size in pairs if size] or [len(first)]
    spread = _Spread.of(first, second, sizes)
    unseen = slow if len(sizes) < FEWEST_PAIRS else 0.0
    half = math.hypot(spread.half_width, NORMAL * unseen)
    variance = spread.variance + unseen**2
    return RatioEstimate(
        ratio=math.exp(spread.centre),
        interval=_around(spread.centre, half),
        repetition=_around(spread.centre, half * REPETITION),
        noise=max(_noise(first), _noise(second)),
        of_rounds=min(1.0, spread.of_rounds / variance) if 0 < variance < math.inf else 1.0,
        unseen=unseen**2 / variance if variance else 0.0,
    )


def hodges_lehmann(values: np.ndarray) -> float:
    """The median of the means of all pairs of values, each with itself too (Hodges and Lehmann 1963).

    As exact as a mean where values scatter normally, and as little moved as a median by a few far off.
    """
    one, other = np.triu_indices(len(values))
    return float(np.median((values[one] + values[other]) / 2))


def drift(first: Blocks, second: Blocks) -> float:
    """By how much the ratio moved from the first half of the rounds to the second, relative."""
    return _moved(_ratios(first, second))


def pace(first: Blocks, second: Blocks) -> float:
    """By how much both became faster from the first half of the rounds to the second, relative.

    That is the machine's doing, which the ratio does not mind, and each side's own figure does.
    """
    return _moved((_medians(first) + _medians(second)) / -2)


def round_ratios(first: Blocks, second: Blocks) -> list[float]:
    """The second side's throughput over the first's in each round, in the order measured."""
    return [float(ratio) for ratio in np.exp(_ratios(first, second))]


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


def _noise(rounds: Blocks) -> float:
    """Half of the repetition interval of a backend's first blocks against its last ones."""
    whole = [blocks for blocks in rounds if len(blocks) > 1]
    if len(whole) < 2:
        return math.inf
    spread = _Spread.of([blocks[:1] for blocks in whole], [blocks[-1:] for blocks in whole], [len(whole)])
    low, high = _around(spread.centre, spread.half_width * REPETITION)
    return (high - low) / 2


def _ratios(first: Blocks, second: Blocks) -> np.ndarray:
    """Logarithm of the ratio of the median steps, round by round."""
    return np.asarray(_medians(first) - _medians(second))


def _medians(rounds: Blocks) -> np.ndarray:
    """Logarithm of the median step of each round's blocks."""
    return np.log([median(step for block in blocks for step in block) for blocks in rounds])


@dataclass(frozen=True, kw_only=True)
class _Spread:
    """Centre of groups of rounds, its variance from how these differ, and how well that is known.

    ``of_rounds`` is the variance that it would have if groups differed by their rounds' scatter alone.
    """

    centre: float
    variance: float
    freedom: int
    of_rounds: float

    @classmethod
    def of(cls, first: Blocks, second: Blocks, sizes: Sequence[int]) -> "_Spread":
        """From the rounds of two sides, ``sizes`` of which each pair of processes ran."""
        groups = _groups(np.arange(len(first)), sizes)
        places = np.array([_place(first, second, group) for group in groups])
        variance = float(np.var(places, ddof=1)) / len(places) if len(places) > 1 else math.inf
        own = [_scatter(first, second, group) for group in groups if len(group) > 1]
        if len(sizes) < FEWEST_PAIRS or not own:  # then nothing else is in it
            of_rounds = variance
        else:
            of_rounds = (NORMAL_OF_MEDIAN * float(np.median(np.concatenate(own)))) ** 2 / len(first)
        return cls(
            centre=hodges_lehmann(places),
            variance=variance,
            freedom=len(places) - 1,
            of_rounds=of_rounds,
        )

    @property
    def half_width(self) -> float:
        """Half of the 95 % interval of the centre, by Student's t."""
        from scipy import stats  # 0.5 s to import: not for --help

        if not self.freedom:
            return math.inf
        return float(stats.t.ppf((1 + CONFIDENCE) / 2, df=self.freedom)) * math.sqrt(self.variance)


def _place(first: Blocks, second: Blocks, chosen: Iterable[int]) -> float:
    """Logarithm of the ratio in some rounds, from each block against each of the other side's in its round.

    Within a round, what slows down both cancels. Of two rounds these are eight differences, of which one
    slow block spoils two: no more than the Hodges-Lehmann estimate bears.
    """
    differences = [
        math.log(median(ours) / median(theirs))
        for number in chosen
        for ours, theirs in product(first[number], second[number])
    ]
    return hodges_lehmann(np.array(differences))


def _scatter(first: Blocks, second: Blocks, group: np.ndarray) -> np.ndarray:
    """How far each round's place lies from the middle of its group, as single rounds scatter."""
    places = np.array([_place(first, second, [number]) for number in group])
    freed = math.sqrt(len(places) / (len(places) - 1))  # the middle is their own
    return np.abs(places - hodges_lehmann(places)) * freed


def _groups(numbers: np.ndarray, sizes: Sequence[int]) -> list[np.ndarray]:
    """Numbers of rounds by pair of processes; with too few pairs, in runs of neighbours.

    Runs, because a machine is busy for a while: single rounds would look more independent than they are (the
    method of batch means).
    """
    if len(sizes) >= FEWEST_PAIRS:
        return np.split(numbers, np.cumsum(sizes)[:-1])
    return np.array_split(numbers, max(min(BATCHES, len(numbers)), len(numbers) // 3))


def _around(centre: float, half: float) -> tuple[float, float]:
    # Beyond what a float holds: a machine where a round takes no time, or one round alone.
    low, high = max(centre - half, -700.0), min(centre + half, 700.0)
    return math.exp(low), math.exp(high)
