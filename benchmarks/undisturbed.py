"""What one measurement has in common with the next: its undisturbed steps.

Other programs, and other guests of the same host, only ever make steps longer, and for a while. A median over
half a minute says how busy that half minute was; the fast steps say what the code costs. So they are what
--baseline and --against compare, while throughput is told in medians. (Why noise only adds: Chen and Revels
2016, "Robust Benchmarking in Noisy Environments", who take the fastest of all.)

The steps of all processes are one sample, for one process may have had no quiet moment. How far its
percentile may be off is told by leaving each process out in turn, since each lies in memory in its own way
(the grouped jackknife: Shao and Wu 1989, "A General Theory for Jackknife Variance Estimation", for why whole
groups, where single steps would not do for a percentile).
"""

import math
from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from benchmarks.intervals import CONFIDENCE
from benchmarks.measured import Block

FAST = 1  # percentile: of seven runs of LeNet5 the medians' ratio moved by 27 %, this one's by 1.7 %


def fast_seconds(blocks: Sequence[Block]) -> list[float]:
    """The 1st percentile of all steps but those of one process, for each process; of one block, where one
    process ran all.
    """
    alone = len({block.process for block in blocks}) == 1
    parts: dict[int, list[float]] = {}
    for number, block in enumerate(blocks):
        parts.setdefault(number if alone else block.process, []).extend(block.step_seconds)
    if len(parts) == 1:
        return [float(np.percentile(steps, FAST)) for steps in parts.values()]
    return [
        float(np.percentile([step for other in parts if other != left_out for step in parts[other]], FAST))
        for left_out in parts
    ]


@dataclass(frozen=True, kw_only=True)
class Estimate:
    """A logarithm: ``variance`` is how uncertain it is, ``freedom`` with how many degrees that is known."""

    mean: float
    variance: float
    freedom: float

    def __sub__(self, other: "Estimate") -> "Estimate":
        """The difference of two measurements; its freedom is Welch's (1947)."""
        variance = self.variance + other.variance
        least = min(self.freedom, other.freedom)
        unknown = sum(each.variance**2 / each.freedom for each in (self, other)) if least else 0.0
        freedom = variance**2 / unknown if unknown else least
        return Estimate(mean=self.mean - other.mean, variance=variance, freedom=freedom)

    def half_width(self, *, looks: int = 1) -> float:
        """Half of the interval in which the truth lies with 95 %, for so many such intervals together.

        (Bonferroni: where many combinations are looked at, one stands out by chance alone.) Infinite where
        there is but one observation.
        """
        from scipy import stats  # 0.5 s to import: not for --help

        if not self.freedom:
            return math.inf
        tail = (1 - CONFIDENCE) / 2 / max(1, looks)
        return float(-stats.t.ppf(tail, df=self.freedom)) * math.sqrt(self.variance)


def estimate(replicates: np.ndarray) -> Estimate:
    """From the logarithms that come out with each process left out in turn."""
    number = len(replicates)
    variance = (number - 1) / number * float(np.sum((replicates - np.mean(replicates)) ** 2))
    return Estimate(mean=float(np.mean(replicates)), variance=variance, freedom=number - 1)


def speed(fast: Sequence[float]) -> Estimate:
    """Logarithm of steps a second, from ``fast_seconds``."""
    return estimate(-np.log(fast))


def speed_ratio(first: Sequence[float], second: Sequence[float]) -> Estimate:
    """Logarithm of the second side's speed over the first's; they took turns, pair of processes by pair."""
    return estimate(np.log(first) - np.log(second))
