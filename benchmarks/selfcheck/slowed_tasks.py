"""A worker whose steps take longer than they must, by a known share."""

import time
from collections.abc import Callable, Mapping
from dataclasses import replace
from typing import Any

from benchmarks.worker.tasks import Tasks


class SlowedTasks(Tasks):
    """A worker's tasks, with every part of a step made longer by ``PART``.

    The added time computes nothing.
    """

    PART = 0.0

    def prepare(self, spec: Mapping[str, Any]) -> dict[str, Any]:
        """See Tasks."""
        facts = super().prepare(spec)
        job = self._require_job()
        parts = {name: self._slowed(part, job.timeline.synchronize) for name, part in job.parts.items()}
        self.job = replace(job, parts=parts)
        return facts

    def _slowed(self, part: Callable[[], object], wait: Callable[[], None]) -> Callable[[], None]:
        def slowed() -> None:
            start = time.perf_counter()
            part()
            wait()  # a GPU has only been given the work
            end = time.perf_counter()
            until = end + self.PART * (end - start)
            while time.perf_counter() < until:
                pass

        return slowed


class Slower5(SlowedTasks):
    """By 5 %."""

    PART = 0.05


class Slower15(SlowedTasks):
    """By 15 %."""

    PART = 0.15
