"""Comparisons for another process, such as pytest's: requests and replies are lines of JSON on its pipes.

    python -m benchmarks.parity.service

One pair of workers serves all pairs of a folder, and starts with the first. The process ends, and its workers
with it, when its standard input does or its parent has gone.

    {"id": 1, "task": "read", "file": "pairs.toml", "stages": []}
    {"id": 2, "task": "compare", "file": "pairs.toml", "pair": "resnet", "stages": ["forward", "gradients"]}
"""

import json
import os
import queue
import select
import signal
import sys
import threading
import time
from collections.abc import Mapping, Sequence
from contextlib import ExitStack
from pathlib import Path
from typing import TYPE_CHECKING, Any

from benchmarks.parity.plan import CHOICES, Plan, with_needed
from benchmarks.request.flags import add_flags
from benchmarks.request.pairs_file import read_pairs
from benchmarks.request.request import Request
from common import cli
from common.cli import UnavailableError, UsageError, one_line

if TYPE_CHECKING:
    from benchmarks.manager.worker_process import Worker

PROGRAM = "benchmarks.parity.service"
LOOK_SECONDS = 1.0  # between two looks at whether the parent is there
NOT_HERE = "bfloat16"  # paddle does not compute in it on the CPU, where pairs are compared
GRACE_SECONDS = 5.0  # for the workers and the scratch folder to go in order
IDLE_SECONDS = 0.5  # in which an idle process takes up its next request
STARTED_BY = os.getppid()
Requests = queue.SimpleQueue[dict[str, Any] | None]


def main(arguments: Sequence[str]) -> int:
    """Serve until standard input ends."""
    description = "Compare pairs for another process, which asks by lines of JSON on standard input."
    cli.Parser(prog=PROGRAM, description=description).parse_args(arguments)
    with os.fdopen(os.dup(sys.stdout.fileno()), "w", encoding="utf-8") as replies:
        os.dup2(sys.stderr.fileno(), sys.stdout.fileno())  # what is printed is no reply
        requests: Requests = queue.SimpleQueue()
        ending = threading.Event()
        threading.Thread(target=_listen, args=(requests, ending), daemon=True).start()
        with Service() as service:
            while (request := requests.get()) is not None:
                replies.write(json.dumps(_reply(service, request)) + "\n")
                replies.flush()
            ending.set()
    return cli.DONE


def _reply(service: "Service", request: dict[str, Any]) -> dict[str, Any]:
    number, task = request.pop("id"), request.pop("task")
    try:
        result = service.read(**request) if task == "read" else service.compare(**request)
    except (UsageError, UnavailableError) as error:
        result = {"error": one_line(error)}
    return {"id": number, **result}


def _listen(requests: Requests, ending: threading.Event) -> None:
    """Queue requests until whoever asks is gone; then end this process, in the middle of a task as well."""
    received = b""
    while os.getppid() == STARTED_BY:
        if not select.select([0], [], [], LOOK_SECONDS)[0]:
            continue
        chunk = os.read(0, 1 << 16)
        if not chunk:
            break
        *lines, received = (received + chunk).split(b"\n")
        for line in lines:
            requests.put(json.loads(line))
    requests.put(None)
    if not ending.wait(IDLE_SECONDS):  # it is at work
        os.kill(os.getpid(), signal.SIGTERM)
    time.sleep(GRACE_SECONDS)
    os._exit(cli.UNAVAILABLE)


class Service:
    """Reads files of pairs and compares pairs, all of a folder with one pair of workers.

    Ends them with the ``with`` block.
    """

    def __init__(self) -> None:
        self._open = ExitStack()
        self._sides: tuple[Worker, Worker] | None = None
        self._scratch, self._folder = Path(), ""
        self._lacking: dict[str, str] = {}  # what a framework that cannot be had lacks

    def __enter__(self) -> "Service":
        return self

    def __exit__(self, *_: object) -> None:
        self._open.close()

    def read(self, file: str, stages: Sequence[str]) -> dict[str, Any]:
        """Names of a file's pairs, and the stages that each has: those asked for, else all that the CPU has.

        Raises UsageError for a wrong file or stage.
        """
        unknown = [stage for stage in stages if stage not in CHOICES]
        if unknown:
            raise UsageError(f"there is no stage {unknown[0]!r}; choose among {', '.join(CHOICES)}")
        wanted = [stage for stage in CHOICES if stage in (stages or {*CHOICES} - {NOT_HERE})]
        return {"pairs": [*_requests(file)], "stages": wanted}

    def compare(self, file: str, pair: str, stages: Sequence[str]) -> dict[str, Any]:
        """An outcome with its text for each stage that is asked for.

        In its place {"unavailable": {backend: reason}} where a framework cannot be had. Raises UsageError
        for a wrong request, UnavailableError where nothing can be compared here.
        """
        from benchmarks.manager.worker_process import WorkerFailure
        from benchmarks.parity.comparison import run_parity
        from benchmarks.parity.outcome import outcome

        request = _requests(file)[pair]
        if request.folder != self._folder:  # whose modules may have the same names
            self._end()
        self._folder = request.folder
        sides = self._started(timeout=request.timeout)
        if self._lacking:
            return {"unavailable": self._lacking}
        assert sides is not None
        plan = Plan(stages=with_needed(stages))
        try:
            report = run_parity(
                *sides, subject=request.pair, scratch=self._scratch, plan=plan, device="cpu", together=True
            )
        except WorkerFailure as failure:
            self._end()
            raise UnavailableError(f"{failure.backend}: {failure.status}: {failure.explained}") from None
        if any(_lost(stage) for stage in report["stages"]):
            self._end()
        return {"stages": {stage: outcome(report, stage) for stage in stages}}

    def _started(self, *, timeout: float) -> "tuple[Worker, Worker] | None":
        """The workers; None where a framework cannot be had, which is then known."""
        from backends import NAMES
        from benchmarks.manager.scratch import scratch_folder
        from benchmarks.manager.worker_process import WorkerFailure
        from benchmarks.parity.check import both_sides

        if self._sides is None and not self._lacking:
            self._scratch = self._open.enter_context(scratch_folder())
            self._sides = self._open.enter_context(both_sides(self._scratch, timeout=timeout))
            for name, side in zip(NAMES, self._sides, strict=True):
                try:
                    side.ask("versions")
                except WorkerFailure as failure:
                    if failure.status != "unsupported":
                        self._end()
                        raise
                    self._lacking[name] = failure.reason
            if self._lacking:
                self._end()
        return self._sides

    def _end(self) -> None:
        """End the workers: the next comparison starts new ones."""
        self._open.close()
        self._sides = None


def _requests(file: str) -> dict[str, Request]:
    parser = cli.Parser(prog=PROGRAM)
    add_flags(parser)
    return read_pairs(file, parser.parse_args([]))


def _lost(stage: Mapping[str, Any]) -> bool:
    """True if a worker was lost in a stage; a stage that was not run for want of another lost none."""
    problem = stage["error"]
    return problem is not None and problem["lost"] and problem["backend"] is not None


if __name__ == "__main__":
    cli.run(main, program=PROGRAM)
