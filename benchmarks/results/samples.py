"""Raw step times, as they come from a worker."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from statistics import median
from typing import Any

from benchmarks.request.job import JobFacts, JobSpec
from common.runtime.kernel_counters import KernelCounters, after_each_other


@dataclass(kw_only=True)
class Block:
    """Steps measured in one turn: seconds by part of a step, one value per step."""

    process: int = 0  # which of those that measured the combination one after the other
    seconds: dict[str, list[float]] = field(default_factory=dict)
    counters: KernelCounters | None = None  # of the kernel, meanwhile
    disturbed: bool = False  # by others, as the counters say
    joules: float | None = None  # that the GPU's board took meanwhile

    @property
    def step_seconds(self) -> list[float]:
        """Seconds of each whole step: the sum of its parts."""
        return [sum(step) for step in zip(*self.seconds.values(), strict=True)]

    def extend(self, seconds: Mapping[str, Sequence[float]]) -> None:
        """Add more steps."""
        for part, values in seconds.items():
            self.seconds.setdefault(part, []).extend(values)

    def count(self, counters: KernelCounters | None) -> None:
        """Add what the kernel counted while more steps were made; None if it did not."""
        if counters is not None:
            self.counters = after_each_other([*([self.counters] if self.counters else []), counters])


@dataclass(kw_only=True)
class Measured:
    """Results of one case on one backend so far."""

    facts: JobFacts
    starting: JobSpec | None = None  # what a new process is asked in phase startup
    starts: list[dict[str, float]] = field(default_factory=list)  # seconds by part, of cold starts beside
    start_reason: str | None = None  # why one gave no answer
    blocks: list[Block] = field(default_factory=list)
    process: int = 0  # that measures now, counted from 0
    warmup_steps: int | None = None  # of the last process
    peak_memory_bytes: int | None = None
    last_outcome: float | None = None  # of the last step, to look at: a mean logit or a loss
    matmul_peak_flops: float | None = None
    bandwidth_bytes: float | None = None
    best_matmul_flops: float | None = None
    best_bandwidth_bytes: float | None = None
    layers: list[dict[str, Any]] = field(default_factory=list)
    tuning: list[dict[str, Any]] = field(default_factory=list)
    brackets: list[dict[str, Any]] = field(default_factory=list)  # of phase serve: one a process
    soaked: dict[str, Any] = field(default_factory=dict)  # of phase soak: memory, steps, why it stopped
    unsynchronised_seconds: list[float] = field(default_factory=list)  # of steps that send nothing
    idle_cpu_seconds: float = 0.0  # the most that the worker used while another had its turn

    @property
    def step_seconds(self) -> list[float]:
        """Seconds of each whole step of all blocks."""
        return [step for block in self.blocks for step in block.step_seconds]

    @property
    def undisturbed(self) -> list[Block]:
        """Blocks that nobody disturbed; all, where there are none."""
        return [block for block in self.blocks if not block.disturbed] or self.blocks

    def part_seconds(self, part: str) -> float | None:
        """Median seconds of one part of a step.

        Returns None if the steps have no such part.
        """
        values = [value for block in self.undisturbed for value in block.seconds.get(part, ())]
        return median(values) if values else None


def slowest(processes: Sequence[Mapping[str, Sequence[float]]]) -> dict[str, list[float]]:
    """A group's seconds by part of a step, one value a step: those of the process that took longest.

    ``processes`` has each one's seconds by part; all have made the same number of steps, each of which all
    began at the same moment.
    """
    whole = [[sum(step) for step in zip(*seconds.values(), strict=True)] for seconds in processes]
    last = [max(range(len(whole)), key=lambda rank: step[rank]) for step in zip(*whole, strict=True)]
    return {
        part: [processes[rank][part][number] for number, rank in enumerate(last)] for part in processes[0]
    }
