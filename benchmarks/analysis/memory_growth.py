"""Does memory grow, and by how much? From resident memory over many steps.

A leak grows all the time; an allocator that meets a larger batch than ever jumps once. So the growth is that
from block to block of neighbouring steps, and its interval is Student's, from how these differ: one jump is
no growth, however large, and neither is a wave. Medians leave out what a large step holds for a moment.
"""

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Literal

import numpy as np

from benchmarks.analysis.ratio import CONFIDENCE
from benchmarks.request.service import SoakPlan
from benchmarks.results.service import MemoryGrowth
from common.language import ENGLISH, Language

EVERY = 10  # steps after which memory is read
WARM = 0.25  # of the steps: allocators and caches fill
BLOCKS = 8
FEWEST_OF_BLOCK = 2
LEAST = 0.01  # MiB in a hundred steps: pages are counted, and a process touches some
POWER = 0.8  # with which the growth that "would show" shows
Verdict = Literal["grows", "steady", "shrinks", "too short"]


@dataclass(frozen=True, kw_only=True)
class Growth:
    """MiB in a hundred steps with a 95 % interval; None where there are too few steps."""

    verdict: Verdict
    warm_samples: int = 0
    slope: float | None = None
    interval: tuple[float, float] | None = None
    would_show: float | None = None


def growth(resident_mib: Sequence[float], *, every: int) -> Growth:
    """Growth of memory that was read after every ``every`` steps."""
    warm = math.ceil(WARM * len(resident_mib))
    kept = np.asarray(resident_mib)[warm:]
    if len(kept) < BLOCKS * FEWEST_OF_BLOCK:
        return Growth(verdict="too short", warm_samples=warm)
    from scipy import stats  # 0.5 s to import: not for --help

    # Block by block, where its middle lies (in hundreds of steps) and the memory there.
    places = [np.mean(block) * every / 100 for block in np.array_split(np.arange(len(kept)), BLOCKS)]
    medians = [np.median(block) for block in np.array_split(kept, BLOCKS)]
    steps = np.diff(medians) / np.diff(places)
    error = float(np.std(steps, ddof=1)) / math.sqrt(len(steps))
    rank, power = (float(stats.t.ppf(share, df=len(steps) - 1)) for share in ((1 + CONFIDENCE) / 2, POWER))
    slope, half = float(np.mean(steps)), max(rank * error, LEAST)
    return Growth(
        verdict="grows" if slope > half else "shrinks" if slope < -half else "steady",
        warm_samples=warm,
        slope=slope,
        interval=(slope - half, slope + half),
        would_show=half + power * error,
    )


def memory_growth(plan: SoakPlan, soaked: Mapping[str, Any], *, most_batch: int) -> MemoryGrowth:
    """What a row has of a side's memory; ``soaked`` are its steps, what was resident, and why it stopped."""
    resident = soaked.get("resident_mib", [])
    found = growth(resident, every=EVERY)
    return MemoryGrowth(
        shapes=list(plan.shapes),
        most_batch=most_batch,
        asked_steps=plan.steps,
        steps=soaked.get("steps", 0),
        every=EVERY,
        warm_steps=found.warm_samples * EVERY,
        resident_mib=resident,
        mib_per_100_steps=found.slope,
        growth_interval=list(found.interval) if found.interval else None,
        would_show=found.would_show,
        verdict=found.verdict,
        stopped=soaked.get("stopped"),
    )


def in_words(found: MemoryGrowth, say: Language = ENGLISH) -> str:
    """Grows 1.2 MiB per 100 steps (1.0 to 1.4), or steady, and what would have shown."""
    if found.mib_per_100_steps is None or found.growth_interval is None or found.would_show is None:
        return say("too short to tell")
    if found.verdict == "steady":
        message = "steady (growth of {size} MiB per 100 steps would have shown)"
        return say(message, size=_mib(found.would_show))
    size, (low, high) = abs(found.mib_per_100_steps), sorted(abs(end) for end in found.growth_interval)
    ends = {"size": _mib(size), "low": _mib(low), "high": _mib(high)}
    if found.verdict == "grows":
        return say("grows {size} MiB per 100 steps ({low} to {high})", **ends)
    return say("shrinks {size} MiB per 100 steps ({low} to {high})", **ends)


def _mib(value: float) -> str:
    return f"{value:.2f}" if abs(value) < 1 else f"{value:.1f}"
