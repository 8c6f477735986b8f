"""Names of devices: "auto", "cpu", "gpu" and "gpu:N" as asked for; "cpu" and "gpu:N" as found."""

import ctypes
import os
import re
from pathlib import Path

from common.cli import UnavailableError, UsageError

_NAME = re.compile(r"auto|cpu|gpu(:\d+)?")


def require_device_name(name: str) -> str:
    """Raise UsageError unless ``name`` is one that can be asked for; returns it."""
    if not _NAME.fullmatch(name):
        raise UsageError(f"unknown device {name!r}; choose auto, cpu, gpu or gpu:N")
    return name


def choose_device(name: str, *, gpus: int, framework: str) -> str:
    """The device meant by ``name`` where a framework sees so many GPUs.

    Raises UnavailableError if a GPU was asked for that is not there: never the CPU instead.
    """
    require_device_name(name)
    if name == "cpu" or (name == "auto" and gpus == 0):
        return "cpu"
    number = gpu_number(name) if ":" in name else 0
    if number >= gpus:
        remedy = "install its CUDA build and driver, or choose --device cpu"
        if gpus:
            remedy = f"they are counted from 0: choose gpu:{gpus - 1} at most"
        seen = f"{framework} sees {gpus or 'no'} GPU{'' if gpus == 1 else 's'} here"
        raise UnavailableError(f"{seen}, so {name!r} cannot be had; {remedy}")
    return f"gpu:{number}"


def gpu_number(device: str) -> int:
    """The N of "gpu:N"."""
    return int(device.removeprefix("gpu:"))


def available_cores() -> int:
    """The cores this process may use, which a container or taskset may have limited."""
    return len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count() or 1


def openmp_threads(folder: str) -> int | None:
    """Threads of the OpenMP library that was loaded from a path containing ``folder``, asked of itself.

    For a framework that does not report its own thread count. None where no such library is found.
    """
    maps = Path("/proc/self/maps")
    loaded = {line.split()[-1] for line in maps.read_text().splitlines()} if maps.exists() else set()
    for path in sorted(loaded):
        if folder in path and ("libiomp" in path or "libgomp" in path):
            return int(ctypes.CDLL(path).omp_get_max_threads())
    return None
