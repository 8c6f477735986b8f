"""Devices: finding them, waiting for them, and moments in their order of work.

https://www.paddlepaddle.org.cn/documentation/docs/en/api/paddle/device/Overview_en.html
"""

import time

import paddle

from common.devices import choose_device, gpu_number


def find_device(name):
    # paddle-gpu's set_device("gpu") merely warns and computes on the CPU where there is no GPU: count.
    count = paddle.device.cuda.device_count() if paddle.is_compiled_with_cuda() else 0
    return choose_device(name, gpus=count, framework=f"paddle {paddle.__version__}")


def place(device):
    return paddle.CPUPlace() if device == "cpu" else paddle.CUDAPlace(gpu_number(device))


def synchronize(device):
    if device != "cpu":
        paddle.device.cuda.synchronize(place(device))


def mark(device):
    if device == "cpu":
        return time.perf_counter()
    event = paddle.device.cuda.Event(enable_timing=True)
    event.record(paddle.device.cuda.current_stream(place(device)))
    return event


def seconds_between(start, end):
    if isinstance(start, float):
        return end - start
    return start.elapsed_time(end) / 1000  # elapsed_time is in milliseconds


def reset_peak_memory(device):
    if device != "cpu" and hasattr(paddle.device.cuda, "reset_max_memory_allocated"):  # not in 2.6
        paddle.device.cuda.reset_max_memory_allocated(place(device))


def peak_memory_bytes(device):
    if device == "cpu" or not hasattr(paddle.device.cuda, "reset_max_memory_allocated"):
        return None
    return paddle.device.cuda.max_memory_allocated(place(device))


def is_out_of_memory(error):
    # paddle raises MemoryError for the host and for a GPU alike.
    return isinstance(error, MemoryError)
