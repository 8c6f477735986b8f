"""Rounds of two sides, and figures of them: the ratio of speeds, disturbed blocks, the effort."""

import math
from collections import Counter
from collections.abc import Sequence
from typing import Any

from benchmarks.analysis.disturbance import Disturbance, is_invalid, kept_rounds, mark_disturbed
from benchmarks.analysis.quick_steps import Estimate, quick_seconds, speed_ratio
from benchmarks.analysis.ratio import (
    SHARED_HOST,
    Blocks,
    RatioEstimate,
    drift,
    estimate_ratio,
    outlier_fraction,
    pace,
    round_ratios,
)
from benchmarks.analysis.verdict import Effort
from benchmarks.manager.worker_process import WorkerFailure
from benchmarks.results.samples import Block, Measured

FEWEST_FOR_RATIO = 2  # rounds


class Rounds:
    """The blocks of one combination on two sides, round by round."""

    def __init__(self, names: Sequence[str]) -> None:
        self.names = tuple(names)
        self.processes: list[int] = []  # rounds of each pair
        self.measured: dict[str, Measured] = {}
        self.failures: dict[str, WorkerFailure] = {}
        self.seconds = 0.0
        self._found: tuple[int, Disturbance, list[list[list[Block]]]] | None = None

    @property
    def is_begun(self) -> bool:
        """True if there is anything to show."""
        return bool(self.failures or self.processes)

    def disturbance(self) -> Disturbance:
        """The share of disturbed blocks and its causes; marks the blocks."""
        return self._sorted_out()[1]

    def estimate(self) -> RatioEstimate | None:
        """The ratio of both sides' throughput, the second over the first, from undisturbed blocks.

        Both were measured. None if fewer than two rounds are left.
        """
        rounds = self._kept()
        if len(rounds) < FEWEST_FOR_RATIO:
            return None
        owners = Counter(both[0][0].process for both in rounds)
        on_cpu = self.measured[self.names[0]].facts.device == "cpu"
        return estimate_ratio(
            *self._seconds(rounds),
            pairs=list(owners.values()),
            slow=SHARED_HOST if on_cpu else 0.0,
        )

    def effort(self) -> Effort:
        """Rounds, pairs and seconds so far."""
        return Effort(
            rounds=sum(self.processes),
            pairs=len(self.processes),
            seconds=self.seconds,
            left_out=self.disturbance().left_out,
        )

    def verdict_without_ratio(self) -> tuple[str, str] | None:
        """A verdict, and its reason, where there is no ratio although nothing was disturbed."""
        return None

    def is_valid(self) -> bool:
        """False where others disturbed so much that nothing can be said."""
        disturbed = self.disturbance()
        return not is_invalid(disturbed, rounds=sum(self.processes), left=len(self._kept()))

    def change(self) -> Estimate:
        """Logarithm of the second side's speed over the first's, of the quick steps of undisturbed blocks."""
        return speed_ratio(*(self.quick_seconds(name) for name in self.names))

    def quick_seconds(self, name: str) -> list[float]:
        """Those of a side, of as many pairs of processes as the other's; see ``quick_steps``."""
        place = self.names.index(name)
        # Equally many of both in each round: sides are compared entry by entry.
        blocks = [block for both in self._kept() for block in both[place][: min(map(len, both))]]
        return quick_seconds(blocks or self.measured[name].blocks)

    def facts(self) -> dict[str, Any]:
        """The ratio of each round, its drift, both sides' pace, and the share of outliers.

        Outliers are steps that took far longer than the others.
        """
        outliers = (outlier_fraction(measured.step_seconds) for measured in self.measured.values())
        rounds = self._kept()
        facts: dict[str, Any] = {"outliers": max(outliers)}
        if len(rounds) >= FEWEST_FOR_RATIO:
            both = self._seconds(rounds)
            facts |= {"drift": drift(*both), "pace": pace(*both), "round_ratios": round_ratios(*both)}
        return facts

    def knows(self, percent: float) -> bool:
        """True if the true ratio is known to so many percent to both sides."""
        estimate = self.estimate()
        if estimate is None:
            return False
        low, high = estimate.interval
        return high / low <= (1 + percent / 100) ** 2

    def resolves(self, percent: float) -> bool:
        """True if a change of so many percent would show."""
        return self.change().half_width() <= math.log1p(percent / 100)

    def _kept(self) -> list[list[list[Block]]]:
        return self._sorted_out()[2]

    def _sorted_out(self) -> tuple[int, Disturbance, list[list[list[Block]]]]:
        """Number of blocks, what disturbed them, and the rounds that are kept: anew where there are more."""
        sides = [self.measured[name].blocks for name in self.names]
        number = sum(map(len, sides))
        if self._found is None or self._found[0] != number:
            self._found = number, mark_disturbed(sides), kept_rounds(sides)
        return self._found

    def _seconds(self, rounds: Sequence[Sequence[Sequence[Block]]]) -> tuple[Blocks, Blocks]:
        """Step times of both sides, by round and block."""
        first, second = ([[block.step_seconds for block in both[side]] for both in rounds] for side in (0, 1))
        return first, second
