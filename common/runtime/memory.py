"""Memory of this process, now and at its peak (Linux)."""

import ctypes
from contextlib import suppress
from pathlib import Path

from common.cli import UnavailableError

_MEMORY = Path("/proc/meminfo")
_GROUP = Path("/sys/fs/cgroup")  # of a container: memory.max and memory.current (cgroup v2)
_STATUS = Path("/proc/self/status")
_CLEAR = Path("/proc/self/clear_refs")
_KILLED_FIRST = Path("/proc/self/oom_score_adj")


def resident_bytes() -> int | None:
    """Resident memory now; None where the system does not report it."""
    return _field("VmRSS")


def peak_resident_bytes() -> int | None:
    """The most resident memory since ``reset_peak``.

    Returns None where the system does not report it.
    """
    return _field("VmHWM")


def reset_peak() -> bool:
    """Start counting the peak anew (proc(5), clear_refs). False where that is not allowed."""
    try:
        _CLEAR.write_text("5")
    except OSError:
        return False
    return True


def give_back() -> None:
    """Return to the system what malloc has freed and kept (malloc_trim(3)).

    Does nothing where malloc has no such function.
    """
    with suppress(OSError, AttributeError):
        ctypes.CDLL(None).malloc_trim(0)


def available_bytes() -> int | None:
    """Memory that this process can still get, as far as system and container say; None where they do not."""
    limits = [_field("MemAvailable", of=_MEMORY)]
    with suppress(OSError, ValueError):  # "max" where there is no limit
        limit, used = ((_GROUP / f"memory.{name}").read_text() for name in ("max", "current"))
        limits.append(int(limit) - int(used))
    return min((limit for limit in limits if limit is not None), default=None)


class NotEnoughMemoryError(UnavailableError):
    """More memory is asked for than there is; nothing was allocated."""


def require_memory(size: int, what: str) -> None:
    """Raise NotEnoughMemoryError if ``size`` bytes cannot be had; ``what`` begins the message."""
    available = available_bytes()
    if available is not None and size > available:
        raise NotEnoughMemoryError(
            f"{what} takes {size / 2**30:,.3g} GiB, and {available / 2**30:,.3g} are free"
        )


def be_killed_first() -> None:
    """Have the kernel end this process before others where memory runs out (proc(5), oom_score_adj)."""
    with suppress(OSError):
        _KILLED_FIRST.write_text("1000")


def _field(name: str, *, of: Path = _STATUS) -> int | None:
    if not of.exists():
        return None
    for line in of.read_text().splitlines():
        if line.startswith(f"{name}:"):
            return int(line.split()[1]) * 1024
    return None
