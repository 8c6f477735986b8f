"""Arrays in and out."""

import numpy as np
import torch

from .device import place

DTYPES = {"fp32": torch.float32, "fp64": torch.float64}


def from_numpy(array, *, device, precision):
    array = np.require(array, requirements="C")  # strides of another layout would be kept and used
    dtype = DTYPES[precision] if array.dtype.kind == "f" else None
    return torch.tensor(array, dtype=dtype, device=place(device))


def to_numpy(tensor):
    return tensor.detach().to("cpu", copy=True).numpy()
