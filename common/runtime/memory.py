"""Memory of this process, now and at its peak (Linux)."""

import ctypes
from contextlib import suppress
from pathlib import Path

_STATUS = Path("/proc/self/status")
_CLEAR = Path("/proc/self/clear_refs")


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


def _field(name: str) -> int | None:
    if not _STATUS.exists():
        return None
    for line in _STATUS.read_text().splitlines():
        if line.startswith(f"{name}:"):
            return int(line.split()[1]) * 1024
    return None
