"""Faster, equal within a margin, or undecided: what an interval of the true ratio allows to say."""

import math
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Literal

from benchmarks.analysis.ratio import RatioEstimate
from benchmarks.results.sentences import DOMINANT, OUT_OF_REACH, WOULD_DECIDE

Decision = Literal["first faster", "second faster", "equal", "undecided"]
Dominant = Literal["rounds", "processes", "host"]
SAFETY = 1.2  # an interval's width is itself an estimate: so much more than it says
QUIETER = 0.1  # of the blocks left out, from which the machine is to blame first
PAIRS, ROUNDS_OF_PAIR = 6, 4
MOST_MINUTES = 600.0


def decide(interval: tuple[float, float], *, margin: float) -> Decision:
    """A decision on a ratio, the second side's speed over the first's.

    ``margin`` is in percent. What lies in it as a whole is equal, even where it leaves 1 out: a difference
    smaller than anybody minds is no winner.
    """
    low, high = interval
    if max(high, 1 / low) <= 1 + margin / 100:
        return "equal"
    if low <= 1 <= high:
        return "undecided"
    return "second faster" if low > 1 else "first faster"


@dataclass(frozen=True, kw_only=True)
class Effort:
    """How long something was measured."""

    rounds: int
    pairs: int
    seconds: float
    left_out: float = 0.0  # share of the blocks


@dataclass(frozen=True, kw_only=True)
class Remedy:
    """What an undecided ratio is uncertain by most, and what would probably decide it."""

    dominant: Dominant
    flags: Mapping[str, int]
    minutes: float

    @property
    def command(self) -> str:
        """The flags as they are typed."""
        return " ".join(f"--{name} {value}" for name, value in self.flags.items())

    def sentence(self) -> str:
        """For people."""
        if self.minutes > MOST_MINUTES:
            remedy = OUT_OF_REACH.format(hours=f"{MOST_MINUTES / 60:.0f}")
        else:
            remedy = WOULD_DECIDE.format(flags=self.command, minutes=max(1, math.ceil(self.minutes)))
        return f"{DOMINANT[self.dominant]}; {remedy}"


def remedy(estimate: RatioEstimate, effort: Effort, *, margin: float) -> Remedy:
    """For an estimate that is undecided.

    The interval has to become as narrow as the nearer of two decisions asks for: that one is faster, or
    that both are equal within the margin. It narrows with the root of the effort.
    """
    centre, allowed = abs(math.log(estimate.ratio)), math.log1p(margin / 100)
    low, high = map(math.log, estimate.interval)
    half, needed = (high - low) / 2, max(centre, allowed - centre, 1e-9)
    times = min(max(1.0, (SAFETY * half / needed) ** 2), 1e6)
    if effort.pairs < 3:  # what pairs differ by is assumed, not measured
        pairs = PAIRS * max(1, math.ceil(times / 4))
        rounds = max(effort.rounds, pairs * ROUNDS_OF_PAIR)
        dominant: Dominant = "host" if estimate.unseen > 0.5 or effort.left_out > QUIETER else "rounds"
    elif estimate.of_rounds >= 0.5:
        dominant, pairs, rounds = "rounds", effort.pairs, math.ceil(effort.rounds * times)
    else:
        dominant, pairs = "processes", math.ceil(effort.pairs * times)
        rounds = math.ceil(effort.rounds / effort.pairs) * pairs
    if effort.left_out > QUIETER:
        dominant = "host"
    minutes = effort.seconds / 60 * max(rounds / effort.rounds, pairs / max(1, effort.pairs))
    return Remedy(dominant=dominant, flags={"pairs": pairs, "rounds": rounds}, minutes=minutes)
