"""CIFAR-10 as published: pickled batches of Python, or binary records.

Krizhevsky, "Learning Multiple Layers of Features from Tiny Images" (2009);
layouts: https://www.cs.toronto.edu/~kriz/cifar.html
"""

import re
from pathlib import Path
from typing import Any

import numpy as np

from common import restricted_pickle
from common.cli import UsageError

BATCH = re.compile(r"(?P<part>data_batch_\d+|test_batch)(?P<binary>\.bin)?")
SIDE = 32
PIXEL_BYTES = 3 * SIDE * SIDE  # a red, a green and a blue plane
RECORD_BYTES = 1 + PIXEL_BYTES  # of the binary layout: the label first
CLASSES = ("airplane", "automobile", "bird", "cat", "deer", "dog", "frog", "horse", "ship", "truck")


def read_batch(path: Path) -> tuple[np.ndarray, np.ndarray]:
    """Images uint8 (images, 32, 32, 3) and labels int64 (images,).

    Raises UsageError naming the file. Nothing in a pickled batch is executed, see
    ``common.restricted_pickle``.
    """
    try:
        data = path.read_bytes()
    except OSError as error:
        raise UsageError(f"{path}: cannot be read ({error.strerror})") from None
    planes, labels = _binary(path, data) if path.suffix == ".bin" else _pickled(path, data)
    if labels.size == 0 or labels.min() < 0 or labels.max() >= len(CLASSES):
        raise UsageError(f"{path}: labels must be 0..{len(CLASSES) - 1} of one image or more")
    images = planes.reshape(-1, 3, SIDE, SIDE).transpose(0, 2, 3, 1)
    return np.ascontiguousarray(images), labels


def _binary(path: Path, data: bytes) -> tuple[np.ndarray, np.ndarray]:
    if len(data) % RECORD_BYTES:
        raise UsageError(f"{path}: {len(data)} bytes are not records of {RECORD_BYTES}; fetch it again")
    records = np.frombuffer(data, dtype=np.uint8).reshape(-1, RECORD_BYTES)
    return records[:, 1:], records[:, 0].astype(np.int64)


def _pickled(path: Path, data: bytes) -> tuple[np.ndarray, np.ndarray]:
    batch = restricted_pickle.load(data, source=path)
    try:
        planes = _entry(batch, "data").array()
        labels = np.array(_whole_numbers(_entry(batch, "labels")), dtype=np.int64)
    except (AttributeError, KeyError, TypeError, ValueError, OverflowError) as error:
        raise UsageError(f"{path}: no CIFAR-10 batch ({type(error).__name__}: {error})") from None
    if planes.dtype != np.uint8 or planes.shape != (len(labels), PIXEL_BYTES) or labels.ndim != 1:
        raise UsageError(
            f"{path}: no CIFAR-10 batch: data {planes.dtype} {planes.shape} and {labels.shape} labels, where "
            f"uint8 (images, {PIXEL_BYTES}) and (images,) were expected"
        )
    return planes, labels


def _whole_numbers(values: Any) -> list[int]:
    """A list as it should be: lists in lists can have 2^40 leaves in 300 bytes. Raises TypeError."""
    if not isinstance(values, list) or not all(type(value) is int for value in values):
        raise TypeError("labels that are no list of whole numbers")
    return values


def _entry(batch: Any, name: str) -> Any:
    """An entry of the batch; Python 2 wrote its names as bytes."""
    return batch[name.encode()] if name.encode() in batch else batch[name]
