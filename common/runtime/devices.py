"""Names of devices: "auto", "cpu", "gpu" and "gpu:N" as asked for; "cpu" and "gpu:N" as found."""

import re

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
