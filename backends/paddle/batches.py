"""Batches on the device: the common loader's, and the framework's own DataLoader over the same images.

On the CPU a tensor shares the batch's memory. To a GPU the bytes travel from page-locked memory, while it
computes, and are scaled there. The DataLoader with transforms of paddle.vision is what most projects use, and
so what the common loader is measured against.
https://www.paddlepaddle.org.cn/documentation/docs/en/api/paddle/CUDAPinnedPlace_en.html
https://www.paddlepaddle.org.cn/documentation/docs/en/api/paddle/io/DataLoader_en.html
"""

import numpy as np
import paddle
from paddle.device import cuda
from paddle.io import DataLoader, Dataset
from paddle.utils import dlpack

from common.dataset.index import open_as_usual
from common.runtime.prefetch import overlapped
from common.transforms.preprocessing import normalisation

from .device import DTYPES, from_numpy, place

PERSISTENT = False  # 3.3.1 fails in the epoch after one that was left early: "pop from empty list"


class Photographs(Dataset):
    """An index as the framework's data sets are written: one image opened and transformed at a time."""

    def __init__(self, index, transform, *, channels):
        self.index, self.transform, self.channels = index, transform, channels

    def __len__(self):
        return len(self.index)

    def __getitem__(self, position):
        image = open_as_usual(self.index, position, channels=self.channels)
        return self.transform(image), np.int64(self.index.labels[position])


class NativeLoader:
    """The framework's loader, and its batches put on the device."""

    def __init__(self, data, *, device, precision, **options):
        self.device, self.dtype = device, DTYPES[precision]
        self.loader = DataLoader(data, drop_last=True, **options)

    def __iter__(self):
        for images, labels in self.loader:
            yield images.to(place(self.device), self.dtype), labels.to(place(self.device))


def native_loader(index, *, shape, batch_size, workers, training, device, precision):
    data = Photographs(index, native_transform(shape, training=training), channels=shape[0])
    options = {"batch_size": batch_size, "shuffle": training, "num_workers": workers}
    if workers:
        options["persistent_workers"] = PERSISTENT
    return NativeLoader(data, device=device, precision=precision, **options)


def native_transform(shape, *, training):
    transforms = _transforms()
    mean, std = normalisation(shape[0])
    size = tuple(shape[1:])
    if training:
        first = [transforms.RandomResizedCrop(size), transforms.RandomHorizontalFlip()]
    else:
        first = [transforms.Resize(size)]
    return transforms.Compose([*first, transforms.ToTensor(), transforms.Normalize(mean, std)])


def _transforms():
    from paddle.vision import transforms

    return transforms


def feed(batches, *, device, precision, preprocessing):
    if device == "cpu":
        return (
            (share(images, precision=precision), share(labels, precision=precision))
            for images, labels in batches
        )
    return overlapped(batches, SideQueue(device=device, precision=precision, preprocessing=preprocessing))


def share(array, *, precision):
    tensor = dlpack.from_dlpack(np.require(array, requirements="C").__dlpack__())
    return tensor.to(DTYPES[precision]) if array.dtype.kind == "f" else tensor


def scaled(pixels, *, device, precision, preprocessing):
    # Divisors are tensors: by a number, a GPU multiplies with its reciprocal, which rounds otherwise.
    values = pixels.to(paddle.float32)
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
        with cuda.stream_guard(self.side):
            pixels, labels = (tensor.to(place(self.device), blocking=False) for tensor in on_host)
            images = scaled(pixels, **self.scaling)
        return images, labels, self.side.record_event(), on_host

    def join(self, started):
        images, labels, arrived, _ = started
        self.main.wait_event(arrived)
        return images, labels


def _page_locked(array):
    return paddle.to_tensor(array, place=paddle.CUDAPinnedPlace())
