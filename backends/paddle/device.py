"""Devices, versions, and arrays copied to a device and back.

https://www.paddlepaddle.org.cn/documentation/docs/en/api/paddle/device/Overview_en.html
"""

import time

import numpy as np
import paddle
from paddle.device import cuda

from common.runtime.devices import choose_device, gpu_number

RESET_PEAK = "reset_max_memory_allocated"  # not there in 2.6: a peak that cannot be reset is not reported
DTYPES = {"fp32": paddle.float32, "fp64": paddle.float64}
HALVES = (paddle.bfloat16, paddle.float16)


def versions():
    return {
        "paddle": paddle.__version__,
        "cuda": paddle.version.cuda(),  # "False" in a build without
        "cudnn": paddle.version.cudnn(),
        "libraries": f"MKL {paddle.version.mkl()}",
    }


def find_device(name):
    # paddle-gpu's set_device("gpu") merely warns and computes on the CPU where there is no GPU: count.
    count = cuda.device_count() if paddle.is_compiled_with_cuda() else 0
    return choose_device(name, gpus=count, framework=f"paddle {paddle.__version__}")


def use(device):
    paddle.set_device(device)  # else optimizers put their state where paddle likes


def place(device):
    return paddle.CPUPlace() if device == "cpu" else paddle.CUDAPlace(gpu_number(device))


def synchronize(device):
    if device != "cpu":
        cuda.synchronize(place(device))


def mark(device):
    if device == "cpu":
        return time.perf_counter()
    if not hasattr(cuda.Event, "elapsed_time"):  # before 3.0 paddle's events have no time: wait instead
        synchronize(device)
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
    # paddle's allocators raise MemoryError for the GPU and for the CPU.
    return isinstance(error, MemoryError)


def from_numpy(array, *, device, precision):
    array = np.require(array, requirements="C")  # strides of another layout would be kept and used
    dtype = DTYPES[precision] if array.dtype.kind == "f" else None
    return paddle.to_tensor(array, dtype=dtype, place=place(device))


def to_numpy(tensor):
    if tensor.dtype in HALVES:  # NumPy has no bfloat16, and a float16 would be rounded on
        tensor = tensor.to(paddle.float32)
    return tensor.detach().numpy()


def to_dtype(tensor, dtype):
    return tensor.astype(dtype)
