"""Loader batches as tensors on the device, without a copy that is not needed.

On the CPU a tensor shares the batch's memory. To a GPU the bytes travel from page-locked memory, while it
computes, and are scaled there. https://docs.pytorch.org/docs/stable/notes/cuda.html#use-pinned-memory-buffers
"""

import numpy as np
import torch
from torch import cuda

from common.runtime.prefetch import overlapped

from .device import place
from .tensors import DTYPES, from_numpy


def feed(batches, *, device, precision, preprocessing):
    if device == "cpu":
        return (
            (share(images, precision=precision), share(labels, precision=precision))
            for images, labels in batches
        )
    return overlapped(batches, SideQueue(device=device, precision=precision, preprocessing=preprocessing))


def share(array, *, precision):
    tensor = torch.from_numpy(np.require(array, requirements="C"))
    return tensor.to(DTYPES[precision]) if array.dtype.kind == "f" else tensor


def scaled(pixels, *, device, precision, preprocessing):
    # Divisors are tensors: by a number, a GPU multiplies with its reciprocal, which rounds otherwise.
    values = pixels.to(torch.float32)
    for operation, numbers in preprocessing.steps():
        values = operation(values, from_numpy(numbers, device=device, precision="fp32"))
    return values.to(DTYPES[precision])


class SideQueue:
    """A common.runtime.prefetch.CopyQueue on a stream of its own."""

    def __init__(self, *, device, precision, preprocessing):
        self.device, self.main = device, cuda.current_stream(place(device))
        self.side = cuda.Stream(place(device))
        self.scaling = {"device": device, "precision": precision, "preprocessing": preprocessing}

    def start(self, images, labels):
        self.side.wait_event(self.main.record_event())
        on_host = _page_locked(images), _page_locked(labels)
        with cuda.stream(self.side):
            pixels, labels = (tensor.to(place(self.device), non_blocking=True) for tensor in on_host)
            images = scaled(pixels, **self.scaling)
        return images, labels, self.side.record_event(), on_host

    def join(self, started):
        images, labels, arrived, _ = started
        self.main.wait_event(arrived)
        return images, labels


def _page_locked(array):
    return torch.from_numpy(array).pin_memory()
