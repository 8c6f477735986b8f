"""The framework's own way to load images: its DataLoader, and transforms of paddle.vision.

What most projects use, and so what the common loader is measured against.
https://www.paddlepaddle.org.cn/documentation/docs/en/api/paddle/io/DataLoader_en.html
"""

import numpy as np
from paddle.io import DataLoader, Dataset

from common.dataset.plain_open import open_as_usual
from common.transforms.preprocessing import normalisation

from .device import place
from .tensors import DTYPES

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
