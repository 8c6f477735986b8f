"""Arrays in and out."""

import numpy as np
import torch

from .device import place

DTYPES = {"fp32": torch.float32, "fp64": torch.float64}
HALVES = (torch.bfloat16, torch.float16)


def from_numpy(array, *, device, precision):
    array = np.require(array, requirements="C")  # strides of another layout would be kept and used
    dtype = DTYPES[precision] if array.dtype.kind == "f" else None
    return torch.tensor(array, dtype=dtype, device=place(device))


def to_numpy(tensor):
    if tensor.dtype in HALVES:  # NumPy has no bfloat16, and a float16 would be rounded on
        tensor = tensor.to(torch.float32)
    return tensor.detach().to("cpu", copy=True).numpy()
