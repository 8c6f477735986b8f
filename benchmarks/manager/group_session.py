"""Groups of workers at work: they meet, prepare combinations and measure together."""

import math
from collections.abc import Mapping, Sequence
from dataclasses import replace
from functools import partial
from pathlib import Path
from statistics import fmean
from typing import Any

from benchmarks.manager import session as single
from benchmarks.manager.installations import Installation
from benchmarks.manager.session import Session, counters_in
from benchmarks.manager.worker_group import WorkerGroup, free_ports
from benchmarks.manager.worker_process import Worker, WorkerFailure
from benchmarks.request.case import Case
from benchmarks.request.job import JobFacts, JobSpec
from benchmarks.request.request import Request
from benchmarks.results.samples import Block, Measured, slowest
from common.runtime.kernel_counters import at_once

TASKS = "benchmarks.worker.replicas:GroupTasks"
PHASES = ("infer", "train")  # that groups are measured in
NEAR = 0.9  # of the time asked for: how many steps that takes was estimated


class GroupSession(Session):
    """The groups of one command: one of as many workers as a combination asks for, for each backend."""

    def __init__(
        self,
        request: Request,
        *,
        scratch: Path,
        tasks: str = TASKS,
        places: Mapping[str, Installation] | None = None,
    ) -> None:
        super().__init__(request, scratch=scratch, tasks=tasks, places=places)
        self._groups: dict[str, WorkerGroup] = {}
        self._pace: dict[str, float] = {}  # seconds of a step, as it was last seen

    def __exit__(self, *_: object) -> None:
        for name in list(self._groups):
            self.end(name)

    def start(self, names: Sequence[str], *, size: int = 1) -> None:
        """Start groups side by side, then wait for each to have its framework imported."""
        for name in names:
            self.end(name)
            self._groups[name] = WorkerGroup(
                name, size=size, start=partial(self._new_worker, name), timeout=self.request.timeout
            )
        for name in names:
            self.versions[name] = self._groups[name].ask("versions")[0]

    def start_missing(self, names: Sequence[str]) -> None:
        """Start groups of those that have none."""
        missing = [name for name in names if name not in self._groups]
        if missing:
            self.start(missing)

    def worker(self, name: str) -> Worker:
        """The first process of a backend's group, for what is asked of one alone."""
        if name not in self._groups:
            self.start([name])
        return self._groups[name].workers[0]

    def end(self, name: str) -> None:
        """End a backend's group, if it has one."""
        group = self._groups.pop(name, None)
        if group is not None:
            group.close()

    def prepare(self, name: str, case: Case, *, known: JobFacts | None = None) -> Measured:
        """Have every process of a group set up a combination, and prove that they learn as one.

        All is looked at each time, whatever is ``known``.
        """
        self._require(name, case)
        group = self._joined(name, case)
        devices = self._devices(group, case)
        group.workers[0].ask("require", case=case.to_json(), device=devices[0])
        specs = [
            {"spec": self._own_job(name, case, rank, device).to_json()} for rank, device in enumerate(devices)
        ]
        facts = [JobFacts.from_json(reply) for reply in group.ask("prepare", each=specs)]
        settings = [fact.settings for fact in facts]
        if any(one != settings[0] for one in settings):
            raise WorkerFailure(name, "unsupported", f"the processes' settings differ: {settings}"[:1000])
        if case.phase == "train" and case.processes > 1:
            group.ask("check_averaging")
        self._pace.pop(name, None)
        return Measured(facts=replace(facts[0], device=devices[0].partition(":")[0]))

    def warm_up(self, name: str, steps: int) -> None:
        """Run untimed steps."""
        self._step(name, steps)

    def measure(self, name: str, measured: Measured, *, min_steps: int, min_seconds: float) -> Block:
        """Have a group time one more block: all its processes do the same number of steps, at once."""
        block, spent = Block(process=measured.process), 0.0
        while len(block.step_seconds) < min_steps or spent < min_seconds * NEAR:
            replies = self._step(
                name, self._steps(name, min_steps - len(block.step_seconds), min_seconds - spent)
            )
            block.extend(slowest([reply["seconds"] for reply in replies]))
            counted = [counters_in(reply) for reply in replies]
            block.count(at_once(one for one in counted if one is not None))
            spent = sum(block.step_seconds)
            alone = slowest([{"step": reply["unsynchronised"]} for reply in replies])["step"]
            measured.unsynchronised_seconds += alone
            measured.last_outcome = replies[0]["outcome"]
            idle = self._groups[name].idle_cpu_seconds
            measured.idle_cpu_seconds = max(measured.idle_cpu_seconds, idle)
        measured.blocks.append(block)
        return block

    def _step(self, name: str, steps: int) -> list[dict[str, Any]]:
        replies = self._groups[name].ask("step_together", steps=steps)
        seconds = slowest([reply["seconds"] for reply in replies])
        self._pace[name] = fmean(map(sum, zip(*seconds.values(), strict=True)))
        return replies

    def _steps(self, name: str, least: int, seconds: float) -> int:
        """So many as are missing or as the time holds, but no request longer than a single worker's."""
        pace = self._pace.get(name)
        if pace is None:
            return 1
        most = single.REQUEST_SECONDS / (2 * pace)  # a step that sends nothing goes with each
        return max(1, min(max(least, math.ceil(seconds / pace)), int(most)))

    def _joined(self, name: str, case: Case) -> WorkerGroup:
        """A backend's group of so many processes, which have met.

        One of another size is ended.
        """
        group = self._groups.get(name)
        if group is None or group.size != case.processes:
            self.start([name], size=case.processes)
            group = self._groups[name]
        if not group.has_met:
            ports = free_ports(case.processes)
            devices = self._devices(group, case)
            ranks = [{"rank": rank, "device": device} for rank, device in enumerate(devices)]
            group.ask("join", each=ranks, ranks=case.processes, ports=ports)
            group.has_met = True
        return group

    def _devices(self, group: WorkerGroup, case: Case) -> list[str]:
        """The CPU for all, or a GPU for each."""
        asked = self.request.device
        device = str(group.workers[0].ask("find_device", name=asked))
        if device == "cpu" or case.processes == 1:
            return [device] * case.processes
        if ":" in asked:
            raise WorkerFailure(
                group.name, "unsupported", f"--device {asked} is one GPU, and each process needs its own"
            )
        names = [{"name": f"gpu:{rank}"} for rank in range(case.processes)]
        return [str(found) for found in group.ask("find_device", each=names)]

    def _own_job(self, name: str, case: Case, rank: int, device: str) -> JobSpec:
        """Job of one process: images, and what is compiled, are its own."""
        spec = self.job(name, case, device=device)
        artefacts = Path(spec.artefacts) / f"process-{rank}"
        artefacts.mkdir(exist_ok=True)
        return replace(spec, artefacts=str(artefacts), inputs=self.batch(name, case.batch_size, number=rank))

    def _require(self, name: str, case: Case) -> None:
        """Raise WorkerFailure for what is measured in a single process only, or with images only."""
        self._require_images(name, case)
        if case.phase not in PHASES:
            reason = f"phase {case.phase} is measured in one process: leave out --processes"
            raise WorkerFailure(name, "unsupported", reason)
        if case.phase == "train" and case.engine != "eager" and case.processes > 1:
            reason = f"training in several processes is measured with eager, not {case.engine}"
            raise WorkerFailure(name, "unsupported", reason)


def open_session(
    request: Request, *, scratch: Path, places: Mapping[str, Installation] | None = None
) -> Session:
    """A session of groups where numbers of processes were asked for, else of single workers."""
    kind = GroupSession if request.grouped else Session
    return kind(request, scratch=scratch, places=places)
