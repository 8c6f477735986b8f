"""Groups of workers: several processes of one backend take the place of one.

We start the processes ourselves, as single workers are, and give each its rank in the launcher's
own variables: torchrun and paddle.distributed.launch would give them our environment, no channel but their
output, and, if one of them died, up to half a minute before the others ended.
"""

import select
import socket
import time
from collections.abc import Callable, Mapping, Sequence
from types import TracebackType
from typing import Any

from benchmarks.manager.worker_process import Worker, WorkerFailure

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
