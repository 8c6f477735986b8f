"""The idx files of MNIST and its kin: a magic number, the sizes, then bytes; gzipped or not.

Format: LeCun, Cortes, Burges, "The MNIST database of handwritten digits", section "File formats".
"""

import gzip
import math
import re
import zlib
from pathlib import Path
from typing import BinaryIO

import numpy as np

from common.cli import UsageError

IMAGES = re.compile(r"(?P<start>.*)images[-.]idx3-ubyte(\.gz)?")
UNSIGNED_BYTES = 0x08  # third byte of the magic number; the fourth is the number of dimensions
MAX_BYTES = 1 << 31  # a gzipped file may claim to hold anything


def read_images(path: Path) -> np.ndarray:
    """Images of an idx file, uint8 (images, height, width).

    Raises UsageError naming the file.
    """
    return _read(path, dimensions=3)


def read_labels(images: Path) -> np.ndarray:
    """Labels of the images in an idx file, int64 (images,), from the label file beside it."""
    beside = labels_beside(images)
    labels = _read(beside, dimensions=1)
    count = _sizes_of(images)[0]
    if len(labels) != count:
        raise UsageError(f"{beside}: {len(labels)} labels for the {count} images of {images.name}")
    return labels.astype(np.int64)


def labels_beside(images: Path) -> Path:
    """The label file that belongs to an image file, gzipped or not.

    Raises UsageError if there is none.
    """
    name = images.name.replace("images", "labels").replace("idx3", "idx1").removesuffix(".gz")
    for candidate in (images.with_name(name), images.with_name(f"{name}.gz")):
        if candidate.is_file():
            return candidate
    raise UsageError(f"{images.with_name(name)}: no label file beside {images.name}; fetch it too")


def _sizes_of(path: Path) -> tuple[int, ...]:
    with _opened(path) as file:
        return _header(path, file, dimensions=3)


def _read(path: Path, *, dimensions: int) -> np.ndarray:
    try:
        with _opened(path) as file:
            sizes = _header(path, file, dimensions=dimensions)
            expected = math.prod(sizes)
            data = file.read(expected + 1)
    except (EOFError, zlib.error, OSError) as error:
        raise UsageError(f"{path}: damaged or cut short ({error}); fetch it again") from None
    if len(data) != expected:
        more = "more" if len(data) > expected else f"{len(data)}"
        raise UsageError(f"{path}: {more} bytes where its header says {expected}; fetch it again")
    return np.frombuffer(data, dtype=np.uint8).reshape(sizes)


def _opened(path: Path) -> BinaryIO:
    try:
        return gzip.open(path, "rb") if path.suffix == ".gz" else path.open("rb")  # type: ignore[return-value]
    except OSError as error:
        raise UsageError(f"{path}: cannot be read ({error.strerror})") from None


def _header(path: Path, file: BinaryIO, *, dimensions: int) -> tuple[int, ...]:
    expected = bytes((0, 0, UNSIGNED_BYTES, dimensions))
    magic = file.read(4)
    if magic != expected:
        raise UsageError(
            f"{path}: no idx file of bytes in {dimensions} dimensions (it begins {magic.hex()!r})"
        )
    sizes = tuple(int.from_bytes(file.read(4), "big") for _ in range(dimensions))
    if not 0 < math.prod(sizes) <= MAX_BYTES:
        raise UsageError(f"{path}: claims to hold {sizes} bytes, which is nothing or more than {MAX_BYTES:,}")
    return sizes
