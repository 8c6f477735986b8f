"""Devices, versions, and arrays copied to a device and back.

https://docs.pytorch.org/docs/stable/notes/cuda.html#asynchronous-execution
"""

import time

import numpy as np
import torch
from torch import cuda

from common.runtime.devices import choose_device, gpu_number

RESET_PEAK = "reset_peak_memory_stats"
DTYPES = {"fp32": torch.float32, "fp64": torch.float64}
HALVES = (torch.bfloat16, torch.float16)


def versions():
    return {
        "torch": torch.__version__,
        "cuda": torch.version.cuda,
        "cudnn": str(torch.backends.cudnn.version()) if cuda.is_available() else None,
        "libraries": " ".join(torch.__config__.show().split()),
    }


def find_device(name):
    count = cuda.device_count() if cuda.is_available() else 0
    return choose_device(name, gpus=count, framework=f"torch {torch.__version__}")


def use(device):
    if device != "cpu":
        cuda.set_device(place(device))


def place(device):
    return torch.device("cpu" if device == "cpu" else f"cuda:{gpu_number(device)}")


def synchronize(device):
    if device != "cpu":
        cuda.synchronize(place(device))


def mark(device):
    if device == "cpu":
        return time.perf_counter()
    event = cuda.Event(enable_timing=True)
    event.record(cuda.current_stream(place(device)))
    return event


def seconds_between(start, end):
    if isinstance(start, float):
        return end - start
    return start.elapsed_time(end) / 1000  # elapsed_time is in milliseconds


def reset_peak_memory(device):
    if device != "cpu" and hasattr(cuda, RESET_PEAK):
        getattr(cuda, RESET_PEAK)(place(device))


def peak_memory_bytes(device):
    if device == "cpu" or not hasattr(cuda, RESET_PEAK):
        return None
    return cuda.max_memory_allocated(place(device))


def is_out_of_memory(error):
    # torch's allocators: the GPU's has an exception of its own, the CPU's a plain RuntimeError.
    if isinstance(error, (MemoryError, cuda.OutOfMemoryError)):
        return True
    return isinstance(error, RuntimeError) and "can't allocate memory" in str(error)


def from_numpy(array, *, device, precision):
    array = np.require(array, requirements="C")  # strides of another layout would be kept and used
    dtype = DTYPES[precision] if array.dtype.kind == "f" else None
    return torch.tensor(array, dtype=dtype, device=place(device))


def to_numpy(tensor):
    if tensor.dtype in HALVES:  # NumPy has no bfloat16, and a float16 would be rounded on
        tensor = tensor.to(torch.float32)
    return tensor.detach().to("cpu", copy=True).numpy()


def to_dtype(tensor, dtype):
    return tensor.to(getattr(torch, dtype))
