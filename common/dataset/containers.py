"""Files that hold many images, so that a list can name one of them: ``train-images-idx3-ubyte.gz#17``.

Containers are known by their published file names: idx files of MNIST and its kin, CIFAR-10 batches, and
``digits``, the 8x8 digits that scikit-learn brings along.
"""

import re
import threading
from collections import OrderedDict
from pathlib import Path

import numpy as np
from PIL import Image

from common.cli import UnavailableError, UsageError
from common.dataset import cifar, decoding, idx
from common.dataset.decoding import DecodeError

DIGITS = "digits"
ADDRESS = re.compile(r"(?P<file>.+)#(?P<number>\d+)", re.DOTALL)
KEPT = 6  # containers in memory: the six batches of CIFAR-10 are 184 MB

_kept: "OrderedDict[str, tuple[np.ndarray, np.ndarray]]" = OrderedDict()
_lock = threading.Lock()


def is_container(path: Path) -> bool:
    """True if a file of this name holds many images."""
    return path.name == DIGITS or any(
        pattern.fullmatch(path.name) is not None for pattern in (idx.IMAGES, cifar.BATCH)
    )


def split_address(path: Path) -> tuple[Path, int] | None:
    """The container and the number of an image in it, or None for a plain image file."""
    match = ADDRESS.fullmatch(path.name)
    if match is None or not is_container(Path(match["file"])) or path.exists():
        return None
    return path.with_name(match["file"]), int(match["number"])


def read_container(path: Path) -> tuple[np.ndarray, np.ndarray]:
    """Images uint8 (images, height, width[, 3]) and labels int64 (images,).

    The last few are kept. Raises UsageError naming the file, UnavailableError where scikit-learn is missing.
    """
    key = str(path)
    with _lock:  # threads that load ahead would each read it
        if key not in _kept:
            _kept[key] = _read(path)
        _kept.move_to_end(key)
        while len(_kept) > KEPT:
            _kept.popitem(last=False)
        return _kept[key]


def exists(path: Path) -> bool:
    """True if such an image exists, as a file or in a container, as far as its name shows."""
    address = split_address(path)
    return path.is_file() if address is None else address[0].name == DIGITS or address[0].is_file()


def decode(path: Path, *, channels: int) -> Image.Image:
    """An image file, or an image in a container, as ``common.dataset.decoding.decode`` gives it."""
    address = split_address(path) if "#" in path.name else None
    if address is None:
        return decoding.decode(path, channels=channels)
    container, number = address
    try:
        images, _ = read_container(container)
    except UsageError as error:
        raise DecodeError(str(error)) from None
    if number >= len(images):
        raise DecodeError(f"there are only {len(images)} images in {container.name}")
    return Image.fromarray(images[number]).convert(decoding.MODES[channels])


def _read(path: Path) -> tuple[np.ndarray, np.ndarray]:
    if path.name == DIGITS and not path.exists():
        return _digits()
    if cifar.BATCH.fullmatch(path.name):
        return cifar.read_batch(path)
    return idx.read_images(path), idx.read_labels(path)


def _digits() -> tuple[np.ndarray, np.ndarray]:
    """scikit-learn's 1797 digits, 8x8, their 17 shades spread over 0..255."""
    try:
        from sklearn.datasets import load_digits
    except ImportError:
        raise UnavailableError("the digits come with scikit-learn; pip install scikit-learn") from None
    digits = load_digits()
    shades = np.rint(digits.images * (255 / 16)).astype(np.uint8)
    return shades, digits.target.astype(np.int64)
