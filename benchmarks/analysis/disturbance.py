"""Which blocks did others disturb? The kernel says so: never how long their steps took.

A block that is left out because it was slow would make its side faster than it is. So only what the kernel
counted decides: processor time of others, time that the host withheld, time that the worker's threads waited
for a processor while others had it, a lower clock.

The limits are those of ``tests/campaigns/planted_load.py``, which plants load and counts what is said of it.
"""

import math
from collections.abc import Sequence
from dataclasses import dataclass

from benchmarks.results.samples import Block
from benchmarks.results.sentences import DISTURBED, HAD_TO_WAIT, LOWER_CLOCK, USED, WITHHELD
from common.runtime.kernel_counters import KernelCounters, after_each_other

STOLEN = 0.05  # of the processors' time, withheld by the host
OTHERS = 0.25  # of the processors' time, used by others: caches and memory are shared, whoever waits
WAITED = 0.10  # of the time in which threads could have run, where others had SOME of the processors
SOME = 0.10  # in the block, or SOME_OF_ALL in all blocks: a worker's threads wait for each other, too
SOME_OF_ALL = 0.05
TICK_SECONDS = 0.01  # in which the machine's time is counted, each of them for whoever runs at its end
SLOWER_CLOCK = 0.9  # of the highest seen in the run
MOST_LEFT_OUT = 0.5  # of the blocks: beyond, a combination is invalid
FEWEST_ROUNDS = 4  # that have to be left for a ratio


@dataclass(frozen=True, kw_only=True)
class Shares:
    """Kernel counters of a span as shares of the time there was; None where it is not known."""

    others: float | None
    stolen: float | None
    waited: float | None

    @classmethod
    def of(cls, counters: KernelCounters) -> "Shares":
        """Others' time is what was busy and not this worker's own."""
        time = max(counters.seconds * counters.processors, 1e-9)
        others = waited = None
        if counters.busy_seconds is not None:
            others = max(0.0, counters.busy_seconds - counters.cpu_seconds) / time
        wanted = counters.cpu_seconds + (counters.delay_seconds or 0.0)
        if counters.delay_seconds is not None and wanted > 0:
            waited = counters.delay_seconds / wanted
        stolen = None if counters.steal_seconds is None else counters.steal_seconds / time
        return cls(others=others, stolen=stolen, waited=waited)


def is_disturbed(
    counters: KernelCounters | None, *, others_of_all: float = 0.0, highest_mhz: float | None = None
) -> bool:
    """True if the kernel says that others were there. What it counted nothing of is taken as it is.

    ``others_of_all`` is the share that others used in all blocks: ticks say little of a short one.
    """
    if counters is None:
        return False
    shares = Shares.of(counters)
    # Each processor that the worker used may be off by a tick.
    unsure = (1 + math.ceil(counters.cpu_seconds / max(counters.seconds, 1e-9))) * TICK_SECONDS
    time = counters.seconds * counters.processors
    others, stolen = (
        0.0 if share is None or share * time < unsure else share for share in (shares.others, shares.stolen)
    )
    waited = (shares.waited or 0.0) > WAITED and (others > SOME or others_of_all > SOME_OF_ALL)
    slower = bool(highest_mhz and counters.clock_mhz and counters.clock_mhz < SLOWER_CLOCK * highest_mhz)
    return others > OTHERS or stolen > STOLEN or waited or slower


@dataclass(frozen=True, kw_only=True)
class Disturbance:
    """The share of the blocks that others disturbed, and what the kernel counted in all of them together."""

    left_out: float
    shares: Shares | None

    def reason(self) -> str:
        """What the kernel counted, in words."""
        facts = []
        if self.shares is not None:
            for share, words in (
                (self.shares.others, USED),
                (self.shares.waited, HAD_TO_WAIT),
                (self.shares.stolen, WITHHELD),
            ):
                if share is not None and share >= 0.005:
                    facts.append(words.format(share=f"{share:.0%}"))
        return DISTURBED.format(share=f"{self.left_out:.0%}", facts=", ".join(facts) or LOWER_CLOCK)


def mark_disturbed(sides: Sequence[Sequence[Block]]) -> Disturbance:
    """Mark the disturbed blocks of each side; returns how many these are."""
    every = [block for blocks in sides for block in blocks]
    counted = [block.counters for block in every if block.counters is not None]
    highest = max((one.clock_mhz for one in counted if one.clock_mhz), default=None)
    whole = after_each_other(counted)
    shares = Shares.of(whole) if whole else None
    others = (shares.others if shares else None) or 0.0
    for block in every:
        block.disturbed = is_disturbed(block.counters, others_of_all=others, highest_mhz=highest)
    return Disturbance(left_out=sum(block.disturbed for block in every) / max(1, len(every)), shares=shares)


def kept_rounds(sides: Sequence[Sequence[Block]]) -> list[list[list[Block]]]:
    """Undisturbed blocks by side, of each round in which every side has one.

    A round is two blocks of each side.
    """
    rounds = zip(*(zip(blocks[::2], blocks[1::2], strict=False) for blocks in sides), strict=False)
    kept = [[[block for block in pair if not block.disturbed] for pair in both] for both in rounds]
    return [both for both in kept if all(both)]


def is_invalid(disturbed: Disturbance, *, rounds: int, left: int) -> bool:
    """True where too little of a combination's ``rounds`` is left to say anything."""
    return disturbed.left_out > MOST_LEFT_OUT or left < min(FEWEST_ROUNDS, rounds)
