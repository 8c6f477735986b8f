"""Energy that a GPU has taken, from its own counter."""

import os
from collections.abc import Mapping
from typing import Any

from common.runtime.devices import gpu_number

VISIBLE, ORDER = "CUDA_VISIBLE_DEVICES", "CUDA_DEVICE_ORDER"
MILLIJOULES = 1000  # in a joule


def gpu_joules(device: str, environment: Mapping[str, str] | None = None) -> float | None:
    """Joules that the board of a device ("gpu:N" as a framework counts) took since its driver was loaded.

    Returns None on a CPU, where NVML or the GPU has no such counter, and where it is not known which of
    the machine's GPUs the device is.
    """
    if device == "cpu":
        return None
    import pynvml

    try:
        pynvml.nvmlInit()
    except pynvml.NVMLError:
        return None
    try:
        handle = _handle(pynvml, gpu_number(device), os.environ if environment is None else environment)
        if handle is None:
            return None
        return float(pynvml.nvmlDeviceGetTotalEnergyConsumption(handle)) / MILLIJOULES
    except pynvml.NVMLError:  # before Volta there is none
        return None
    finally:
        pynvml.nvmlShutdown()


def _handle(pynvml: Any, number: int, environment: Mapping[str, str]) -> Any:
    """NVML's handle of the GPU that a framework counts as ``number``; None where that is not known.

    NVML counts in the order of the bus and sees all; CUDA counts the visible ones, by default the quickest
    first. The two orders are the same where all are alike.
    """
    visible = [word.strip() for word in environment.get(VISIBLE, "").split(",") if word.strip()]
    chosen = visible[number] if number < len(visible) else "" if visible else str(number)
    if chosen.startswith("GPU-"):
        return pynvml.nvmlDeviceGetHandleByUUID(chosen)
    handles = [pynvml.nvmlDeviceGetHandleByIndex(i) for i in range(pynvml.nvmlDeviceGetCount())]
    alike = len({pynvml.nvmlDeviceGetName(handle) for handle in handles}) < 2
    known = alike or environment.get(ORDER) == "PCI_BUS_ID"
    is_there = chosen.isdecimal() and int(chosen) < len(handles)  # a part of a GPU has no counter of its own
    return handles[int(chosen)] if known and is_there else None
