"""Arrays in and out."""

import numpy as np
import paddle

from .device import place

DTYPES = {"fp32": paddle.float32, "fp64": paddle.float64}
HALVES = (paddle.bfloat16, paddle.float16)


def from_numpy(array, *, device, precision):
    array = np.require(array, requirements="C")  # strides of another layout would be kept and used
    dtype = DTYPES[precision] if array.dtype.kind == "f" else None
    return paddle.to_tensor(array, dtype=dtype, place=place(device))


def to_numpy(tensor):
    if tensor.dtype in HALVES:  # NumPy has no bfloat16, and a float16 would be rounded on
        tensor = tensor.to(paddle.float32)
    return tensor.detach().numpy()
