"""The parent's side of a worker: start it in its own interpreter, ask, wait so long, end it."""

import json
import os
import signal
import socket
import subprocess
import sys
import tempfile
import time
from collections.abc import Mapping
from contextlib import suppress
from pathlib import Path
from types import TracebackType
from typing import Any, Literal

import backends
from benchmarks.manager.installations import ROOT, Installation, worker_environment
from common.cli import UnavailableError, UsageError
from common.endings import MEMORY_WORDS

FailedStatus = Literal["unsupported", "out-of-memory", "crashed", "timeout"]


def cause_of_death(code: int, log: Path, *, earlier_memory_kills: int) -> tuple[FailedStatus, str]:
    """Status and reason of a result row.

    ``code`` is negative after a signal, as subprocess has it.
    """
    if code == -signal.SIGKILL and memory_kills() > earlier_memory_kills:
        return "out-of-memory", "the system ran out of memory and killed the worker"
    complaint = _memory_complaint(log)
    if code == -signal.SIGABRT and complaint:  # C++ that cannot raise an exception to Python aborts
        return "out-of-memory", f"the worker aborted: {complaint}"
    how = f"was killed by {signal.Signals(-code).name}" if code < 0 else f"ended with exit code {code}"
    return "crashed", f"the worker {how}{_last_words(log)}"


def _end_of(log: Path) -> list[str]:
    """The last lines of a log, which may have gigabytes."""
    with log.open("rb") as file:
        file.seek(max(log.stat().st_size - LOG_BYTES, 0))
        return file.read(LOG_BYTES).decode(errors="replace").splitlines()


def _last_words(log: Path) -> str:
    lines = [line.strip() for line in _end_of(log) if line.strip()]
    fatal = [line for line in lines if line.startswith("Fatal Python error")]
    return f"; its last words: {(fatal or lines)[-1][:300]}" if lines else ""


def _memory_complaint(log: Path) -> str | None:
    """The line in which an aborted worker said that memory ran out."""
    for line in _end_of(log):
        if any(word in line for word in MEMORY_WORDS):
            return line.strip()[:300]
    return None


def memory_kills() -> int:
    """Number of processes that the kernel has killed for want of memory (proc_vmstat)."""
    path = Path("/proc/vmstat")
    for line in path.read_text().splitlines() if path.exists() else ():
        if line.startswith("oom_kill "):
            return int(line.split()[1])
    return 0


# Huge pages, and nothing given back: float64 AlexNets lose a third of their time to memory that is touched
# for the first time. Where nothing is timed.
KEEPING_MEMORY = "glibc.malloc.hugetlb=1:glibc.malloc.mmap_max=0:glibc.malloc.trim_threshold=17179869184"
TASKS = "benchmarks.worker.tasks:Tasks"
LOG_BYTES = 1 << 20  # of the end of a worker's log, in which its last words are looked for
REPLY_BYTES = 1 << 28  # that a reply may have: the step times of a long measurement have a hundredth


class WorkerFailure(UnavailableError):
    """A request that brought no result from a backend.

    ``status`` is that of a result row. ``details`` say where in the user's code an exception was raised:
    "layer", "place" ("FILE:LINE") and "code", each None where it is not known.
    """

    def __init__(
        self,
        backend: str,
        status: FailedStatus,
        reason: str,
        *,
        died: bool = False,
        details: Mapping[str, str | None] | None = None,
    ) -> None:
        super().__init__(f"{backend}: {reason}")
        self.backend, self.status, self.reason = backend, status, reason
        self.died = died  # by itself: not because we ended it
        self.is_gone = died or details is None  # no worker is left that could be asked for more
        self.details = details or {}

    @property
    def explained(self) -> str:
        """The reason, and the line of the user's own code that it comes from."""
        place, code = self.details.get("place"), self.details.get("code")
        return f"{self.reason} ({place}: {code})" if place and code else self.reason


class Worker:
    """One backend's process.

    Ends with the ``with`` block, and by itself if this process vanishes.
    """

    def __init__(
        self,
        backend: str,
        *,
        threads: int,
        scratch: Path,
        timeout: float,
        tasks: str = TASKS,
        keeps_memory: bool = False,
        as_shipped: bool = False,
        place: Installation | None = None,
    ) -> None:
        self._place = place or Installation(backend=backend)
        self.backend, self._keeps_memory, self._as_shipped = backend, keeps_memory, as_shipped
        self._timeout, self._scratch, self._threads, self._tasks = timeout, scratch, threads, tasks
        self.idle_cpu_seconds = 0.0  # that the worker used between its last two requests
        self._requests = 0
        self._received = bytearray()
        self._memory_kills = memory_kills()
        self._log = scratch / f"{backend}-{time.monotonic_ns()}.log"
        self._process, self._channel = self._start()

    def __enter__(self) -> "Worker":
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.close()

    @property
    def pid(self) -> int:
        """Process number, and that of the group it leads."""
        return self._process.pid

    @property
    def is_alive(self) -> bool:
        """False once it has ended or was ended."""
        return self._process.poll() is None

    def ask(self, task: str, *, timeout: float | None = None, **arguments: Any) -> Any:
        """Have one task done and return its result.

        Raises UsageError if the request is at fault, else WorkerFailure. A worker that died, hung or
        talked nonsense is ended and stays so.
        """
        self.send(task, **arguments)
        return self.receive(timeout=timeout)

    def fileno(self) -> int:
        """The channel's, for whoever waits for several workers at once."""
        return self._channel.fileno()

    def send(self, task: str, **arguments: Any) -> None:
        """Ask, and do not wait. Raises WorkerFailure if nobody is there."""
        self._requests += 1
        request = {"id": self._requests, "task": task, "arguments": arguments}
        try:
            self._channel.sendall(json.dumps(request).encode() + b"\n")
        except OSError:
            raise self._died() from None

    def receive(self, *, timeout: float | None = None) -> Any:
        """The result of what was sent last; see ``ask``."""
        reply = self._reply(time.monotonic() + (timeout or self._timeout))
        self.idle_cpu_seconds = reply["idle_cpu_seconds"]
        if "result" in reply:
            return reply["result"]
        if reply["status"] == "invalid":
            raise UsageError(reply["reason"])
        raise WorkerFailure(self.backend, reply["status"], reply["reason"], details=reply.get("details", {}))

    def close(self) -> None:
        """Kill the worker and all its children: it holds no state that must be saved."""
        with suppress(ProcessLookupError):
            os.killpg(self._process.pid, signal.SIGKILL)
        self._process.wait()
        self._channel.close()  # not sooner: to a living worker it means that we are gone

    def _start(self) -> tuple["subprocess.Popen[bytes]", socket.socket]:
        interpreter = self._place.interpreter or backends.interpreter(self.backend)
        # Requests and replies have a socket of their own: frameworks print to stdout.
        ours, theirs = socket.socketpair()
        command = [interpreter, "-X", "faulthandler", "-m", "benchmarks.worker", "--backend", self.backend]
        command += [
            "--channel",
            str(theirs.fileno()),
            "--scratch",
            str(self._scratch),
            "--tasks",
            self._tasks,
        ]
        command += ["--as-shipped"] if self._as_shipped else []
        try:
            with theirs, self._log.open("wb") as log:
                process = subprocess.Popen(
                    command,
                    cwd=self._place.root,
                    env=self._environment(interpreter),
                    stdin=subprocess.DEVNULL,
                    stdout=log,
                    stderr=log,
                    pass_fds=[theirs.fileno()],
                    start_new_session=True,  # Ctrl-C reaches us alone, and we end the worker
                )
        except OSError as error:
            ours.close()
            variable = f"{self.backend.upper()}_PYTHON"
            raise self._failure(
                "unsupported", f"cannot start {interpreter} ({error.strerror}); set {variable} to a Python"
            ) from None
        return process, ours

    def _environment(self, interpreter: str) -> dict[str, str]:
        threads = None if self._as_shipped else self._threads
        elsewhere = interpreter != sys.executable or self._place.root != ROOT
        inner = worker_environment(os.environ, threads=threads, elsewhere=elsewhere)
        if self._keeps_memory:
            inner.setdefault("GLIBC_TUNABLES", KEEPING_MEMORY)
        # What a killed worker leaves goes with the scratch folder: torch unpacks each compiled model (234 MB
        # of AlexNet) into a temporary folder, which it removes when it ends by itself. Its cache is kept.
        cache = Path(tempfile.gettempdir()) / f"torchinductor_{os.getuid()}"
        inner.setdefault("TORCHINDUCTOR_CACHE_DIR", str(cache))
        inner["TMPDIR"] = str(self._scratch)
        return inner

    def _reply(self, deadline: float) -> dict[str, Any]:
        while True:
            line = self._line(deadline)
            if time.monotonic() > deadline:  # replies of other requests may never end
                raise self._unanswered(0)
            try:
                reply = json.loads(line)
                if reply["id"] == self._requests:
                    return dict(reply)
            except (ValueError, TypeError, KeyError, RecursionError):
                self.close()
                raise self._failure("crashed", f"the worker sent no JSON: {line[:80]!r}") from None

    def _line(self, deadline: float) -> bytes:
        """The next line. The deadline holds while bytes still arrive, and a line has an end."""
        looked_at = 0
        while (end := self._received.find(b"\n", looked_at)) < 0:
            looked_at = len(self._received)
            left = deadline - time.monotonic()
            if left <= 0 or looked_at > REPLY_BYTES:
                raise self._unanswered(left)
            self._channel.settimeout(left)
            try:
                chunk = self._channel.recv(1 << 16)
            except TimeoutError:
                raise self._unanswered(0) from None
            except OSError:
                chunk = b""
            if not chunk:
                raise self._died()
            self._received += chunk
        line = bytes(self._received[:end])
        del self._received[: end + 1]
        return line

    def _unanswered(self, seconds_left: float) -> WorkerFailure:
        self.close()
        if seconds_left > 0:
            return self._failure("crashed", f"the worker sent {len(self._received):,} bytes without an end")
        return self._failure("timeout", "the worker did not answer in time; allow more with --timeout")

    def _died(self) -> WorkerFailure:
        self.close()
        status, reason = cause_of_death(
            self._process.returncode, self._log, earlier_memory_kills=self._memory_kills
        )
        return WorkerFailure(self.backend, status, reason, died=True)

    def _failure(self, status: FailedStatus, reason: str) -> WorkerFailure:
        return WorkerFailure(self.backend, status, reason)
