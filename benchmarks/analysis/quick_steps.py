"""Compare two versions by the 5th percentile of each process's step times.

Other programs, and other guests of the same host, make steps longer for a while. A median over half a minute
depends on how busy that half minute was; quick steps depend on the code alone. So --baseline and --against
compare quick steps, while throughput is reported as a median. (Noise only adds time: Chen and Revels 2016,
"Robust Benchmarking in Noisy Environments", who take the fastest of all.)

Quick steps are taken per process, for two reasons. Each process has its own memory layout, so the spread of
processes is part of the spread of repetitions. And a host may run slower for minutes: the quickest steps of
all processes would then be those of whichever side was lucky. Sides that took turns are compared pair of
processes by pair. Measured with equal sides, AlexNet, 8 pairs with 4 rounds each: repetitions differ by
0.7 to 1.1 % so, by 1.3 to 2.7 % with the quickest steps of all.

A pair that the host left no quiet moment is left out: both sides are slower in it than elsewhere, and what
only one of them shows is its own. Measured on a shared host, paddle / torch, 5 pairs a run: repetitions
differ by 3 % instead of 10 % with LeNet-5, batch of 32 (in a disturbed pair paddle takes 2.4 times as long
and torch 1.3 times), and the half width with AlexNet is 4 % instead of 5 %.
"""

import math
from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from benchmarks.analysis.ratio import CONFIDENCE
from benchmarks.results.samples import Block

QUIET = 25  # percentile of a side's durations, the quickest having been lucky perhaps
DISTURBED = 0.03  # slower than that by more, on both sides, is a pair that is left out
FEWEST = 3  # pairs that are kept in any case: the spread of two is unknown
QUICK = 5  # percentile of a process's steps: the first would be one step where they are few and long


def quick_seconds(blocks: Sequence[Block]) -> list[float]:
    """The 5th percentile of each process's steps.

    If one process ran all blocks, each block counts as a process.
    """
    alone = len({block.process for block in blocks}) == 1
    parts: dict[int, list[float]] = {}
    for number, block in enumerate(blocks):
        parts.setdefault(number if alone else block.process, []).extend(block.step_seconds)
    return [float(np.percentile(steps, QUICK)) for steps in parts.values()]


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


def speed(seconds: Sequence[float]) -> Estimate:
    """Logarithm of steps a second, from ``quick_seconds``."""
    return _mean(-np.log(seconds))


def speed_ratio(first: Sequence[float], second: Sequence[float]) -> Estimate:
    """Logarithm of the second side's speed over the first's.

    They took turns, pair of processes by pair. Only undisturbed pairs count; of the ``FEWEST`` least
    disturbed ones, where there are fewer.
    """
    ours, theirs = np.log(first), np.log(second)
    slower = np.minimum(*(side - np.percentile(side, QUIET) for side in (ours, theirs)))
    kept = np.argsort(slower, kind="stable")[: max(FEWEST, np.count_nonzero(slower <= DISTURBED))]
    return _mean((ours - theirs)[kept])


def _mean(values: np.ndarray) -> Estimate:
    number = len(values)
    variance = float(np.var(values, ddof=1)) / number if number > 1 else 0.0
    return Estimate(mean=float(np.mean(values)), variance=variance, freedom=number - 1)
