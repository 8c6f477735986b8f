"""How many threads a framework computes with, decided before it is imported."""

import ctypes
import os
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path


def available_cores() -> int:
    """The cores this process may use, which a container or taskset may have limited."""
    return len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count() or 1


@contextmanager
def undisturbed_threads() -> Iterator[None]:
    """Import a framework inside: no framework then decides the other's thread count.

    Importing paddle sets OMP_NUM_THREADS=1 for the whole process where it is unset. A torch imported
    after it, and every child process, would silently compute on one core.
    """
    before = os.environ.get("OMP_NUM_THREADS")
    os.environ.setdefault("OMP_NUM_THREADS", str(available_cores()))
    try:
        yield
    finally:
        if before is None:
            os.environ.pop("OMP_NUM_THREADS", None)
        else:
            os.environ["OMP_NUM_THREADS"] = before


def openmp_threads(folder: str) -> int | None:
    """Threads of the OpenMP library that was loaded from a path containing ``folder``, asked of itself.

    For a framework that does not tell its own thread count. None where no such library is found.
    """
    maps = Path("/proc/self/maps")
    loaded = {line.split()[-1] for line in maps.read_text().splitlines()} if maps.exists() else set()
    for path in sorted(loaded):
        if folder in path and ("libiomp" in path or "libgomp" in path):
            return int(ctypes.CDLL(path).omp_get_max_threads())
    return None
