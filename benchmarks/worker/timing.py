"""Timing whole steps, part by part, and every raw value kept.

Knows no framework: what it needs of a device is a ``Timeline``. On a GPU a mark is an event in the
queue of work, so parts are timed apart without waiting between them; the one wait is after each step.
"""

import gc
import math
import time
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from itertools import pairwise
from typing import Any, Protocol

Parts = Mapping[str, Callable[[], object]]


class Timeline(Protocol):
    """A device's order of work; see ``backends.Backend`` for who waits."""

    def synchronize(self) -> None:
        """Wait until everything given to the device is done."""

    def mark(self) -> Any:
        """A moment in the device's order of work. Waits for nothing."""

    def seconds_between(self, start: Any, end: Any) -> float:
        """Seconds between two marks that the device has passed."""


def time_steps(
    parts: Parts,
    timeline: Timeline,
    *,
    min_steps: int,
    min_seconds: float,
    max_seconds: float = math.inf,
    clock: Callable[[], float] = time.perf_counter,
) -> dict[str, list[float]]:
    """Run whole steps until there are enough of them and enough time has passed, or ``max_seconds`` have.

    A step calls each part once, in order. Returns seconds by part name, one value per step. Each step
    starts on an idle device and its end is waited for.
    """
    seconds: dict[str, list[float]] = {name: [] for name in parts}
    with no_garbage_collection():
        timeline.synchronize()  # work still queued would be counted in the first step
        start, steps, spent = clock(), 0, 0.0
        while (steps < min_steps or spent < min_seconds) and spent < max_seconds:
            marks = [timeline.mark()]
            for part in parts.values():
                part()
                marks.append(timeline.mark())
            timeline.synchronize()  # until here the marks may lie in the future
            for name, (before, after) in zip(parts, pairwise(marks), strict=True):
                seconds[name].append(timeline.seconds_between(before, after))
            steps, spent = steps + 1, clock() - start
    return seconds


def run_steps(parts: Parts, timeline: Timeline, *, steps: int) -> None:
    """Run steps without timing them: warming up."""
    for _ in range(steps):
        for part in parts.values():
            part()
    timeline.synchronize()


@contextmanager
def no_garbage_collection() -> Iterator[None]:
    """As timeit does: a collection in the middle of a step belongs to no framework."""
    was_enabled = gc.isenabled()
    gc.disable()
    try:
        yield
    finally:
        if was_enabled:
            gc.enable()
