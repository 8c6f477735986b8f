"""Why a worker died, from its exit code, its last words and what the kernel did."""

import signal
from pathlib import Path
from typing import Literal

FailedStatus = Literal["unsupported", "out-of-memory", "crashed", "timeout"]


def cause_of_death(code: int, log: Path, *, earlier_memory_kills: int) -> tuple[FailedStatus, str]:
    """Status and reason of a result row; ``code`` is negative after a signal, as subprocess has it."""
    if code == -signal.SIGKILL and memory_kills() > earlier_memory_kills:
        return "out-of-memory", "the system ran out of memory and killed the worker"
    complaint = _memory_complaint(log)
    if code == -signal.SIGABRT and complaint:  # C++ that cannot raise an exception to Python aborts
        return "out-of-memory", f"the worker aborted: {complaint}"
    how = f"was killed by {signal.Signals(-code).name}" if code < 0 else f"ended with exit code {code}"
    return "crashed", f"the worker {how}{_last_words(log)}"


def _last_words(log: Path) -> str:
    lines = [line.strip() for line in log.read_text(errors="replace").splitlines() if line.strip()]
    fatal = [line for line in lines if line.startswith("Fatal Python error")]
    return f"; its last words: {(fatal or lines)[-1][:300]}" if lines else ""


def _memory_complaint(log: Path) -> str | None:
    """The line in which an aborted worker said that memory ran out."""
    for line in log.read_text(errors="replace").splitlines():
        if any(word in line for word in ("MemoryError", "bad_alloc", "ResourceExhausted", "out of memory")):
            return line.strip()[:300]
    return None


def memory_kills() -> int:
    """How often the kernel has killed a process for want of memory (proc_vmstat)."""
    path = Path("/proc/vmstat")
    for line in path.read_text().splitlines() if path.exists() else ():
        if line.startswith("oom_kill "):
            return int(line.split()[1])
    return 0
