"""Groups of workers at work: several processes of one backend take the place of one.

We start the processes ourselves, as single workers are, and give each its rank in the launcher's
own variables: torchrun and paddle.distributed.launch would give them our environment, no channel but their
output, and, if one of them died, up to half a minute before the others ended.
"""

import math
import select
import socket
import time
from collections.abc import Callable, Mapping, Sequence
from dataclasses import replace
from functools import partial
from pathlib import Path
from statistics import fmean
from types import TracebackType
from typing import Any

from benchmarks.manager import session as single
from benchmarks.manager.installations import Installation
from benchmarks.manager.session import Session, counters_in
from benchmarks.manager.worker_process import Worker, WorkerFailure
from benchmarks.request.case import Case
from benchmarks.request.job import JobFacts, JobSpec
from benchmarks.request.request import Request
from benchmarks.results.samples import Block, Measured, slowest
from common.runtime.kernel_counters import at_once

SETTLING_SECONDS = 2.0  # after a failure: whoever caused it may be heard of later than whoever waited for it


class WorkerGroup:
    """Workers that measure together. A failure of one of them ends all."""

    def __init__(self, name: str, *, size: int, start: Callable[[], Worker], timeout: float) -> None:
        self.name, self._timeout = name, timeout
        self.workers: list[Worker] = []
        self.has_met = False  # whether its processes have found each other
        try:
            for _ in range(size):
                self.workers.append(start())
        except BaseException:
            self.close()
            raise

    def __enter__(self) -> "WorkerGroup":
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.close()

    @property
    def size(self) -> int:
        """Number of workers."""
        return len(self.workers)

    @property
    def idle_cpu_seconds(self) -> float:
        """The most that one of them used between the last two requests."""
        return max(worker.idle_cpu_seconds for worker in self.workers)

    def ask(
        self, task: str, *, each: Sequence[Mapping[str, Any]] | None = None, **arguments: Any
    ) -> list[Any]:
        """Have all do a task at once.

        Returns their results by rank. ``each`` has one's own arguments. Raises UsageError if the request is
        at fault, else WorkerFailure that names the process to blame: one that died rather than one that it
        left waiting. All are ended then.
        """
        try:
            failures: dict[int, WorkerFailure] = {}
            for rank, worker in enumerate(self.workers):
                try:
                    worker.send(task, **arguments, **(each[rank] if each else {}))
                except WorkerFailure as failure:
                    failures[rank] = failure
            replies = self._receive(failures)
        except BaseException:
            self.close()
            raise
        if len(replies) < self.size:
            self.close()
            raise self._blamed(failures, silent=[rank for rank in range(self.size) if rank not in replies])
        return [replies[rank] for rank in range(self.size)]

    def close(self) -> None:
        """End all now."""
        for worker in self.workers:
            worker.close()

    def _receive(self, failures: dict[int, WorkerFailure]) -> dict[int, Any]:
        """Replies by rank.

        Once something fails, what is heard within a short while is kept as well.
        """
        replies: dict[int, Any] = {}
        deadline = time.monotonic() + (SETTLING_SECONDS if failures else self._timeout)
        while waiting := [rank for rank in range(self.size) if rank not in replies and rank not in failures]:
            ready, _, _ = select.select(
                [self.workers[rank] for rank in waiting], [], [], max(deadline - time.monotonic(), 0)
            )
            if not ready:
                break
            for rank in waiting:
                if self.workers[rank] in ready:
                    try:
                        replies[rank] = self.workers[rank].receive()
                    except WorkerFailure as failure:
                        failures[rank] = failure
                        deadline = min(deadline, time.monotonic() + SETTLING_SECONDS)
        return replies

    def _blamed(self, failures: Mapping[int, WorkerFailure], *, silent: Sequence[int]) -> WorkerFailure:
        for rank, failure in sorted(failures.items(), key=lambda item: not item[1].died):
            reason = failure.reason if self.size == 1 else f"process {rank} of {self.size}: {failure.reason}"
            return WorkerFailure(self.name, failure.status, reason, died=failure.died)
        who = ", ".join(map(str, silent))
        return WorkerFailure(
            self.name,
            "timeout",
            f"of {self.size} processes, {who} did not answer in time; allow more with --timeout",
        )


def free_ports(number: int) -> list[int]:
    """Ports of this machine that nobody listens on, for a group to meet at."""
    sockets = [socket.socket() for _ in range(number)]
    try:
        for one in sockets:
            one.bind(("127.0.0.1", 0))
        return [one.getsockname()[1] for one in sockets]
    finally:
        for one in sockets:
            one.close()


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
        """Raise WorkerFailure for what is measured in a single process only."""
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
