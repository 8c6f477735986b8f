"""Devices: finding them, waiting for them, and moments in their order of work.

https://docs.pytorch.org/docs/stable/notes/cuda.html#asynchronous-execution
"""

import time

import torch

from common.devices import choose_device, gpu_number


def find_device(name):
    count = torch.cuda.device_count() if torch.cuda.is_available() else 0
    return choose_device(name, gpus=count, framework=f"torch {torch.__version__}")


def place(device):
    return torch.device("cpu" if device == "cpu" else f"cuda:{gpu_number(device)}")


def synchronize(device):
    if device != "cpu":
        torch.cuda.synchronize(place(device))


def mark(device):
    if device == "cpu":
        return time.perf_counter()
    event = torch.cuda.Event(enable_timing=True)
    event.record(torch.cuda.current_stream(place(device)))
    return event


def seconds_between(start, end):
    if isinstance(start, float):
        return end - start
    return start.elapsed_time(end) / 1000  # elapsed_time is in milliseconds


def reset_peak_memory(device):
    if device != "cpu":
        torch.cuda.reset_peak_memory_stats(place(device))


def peak_memory_bytes(device):
    return None if device == "cpu" else torch.cuda.max_memory_allocated(place(device))


def is_out_of_memory(error):
    if isinstance(error, (MemoryError, torch.cuda.OutOfMemoryError)):
        return True
    return isinstance(error, RuntimeError) and "can't allocate memory" in str(error)
