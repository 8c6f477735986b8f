"""Decoders with a planted fault, for the process that decodes corrupted images."""

import os
import time
from pathlib import Path

from PIL import Image

from common.dataset import decoding
from common.dataset.decoding import DecodeError
from tests.support.mutation import without_each


def crashing(_path, *, channels):
    os.abort()


def hanging(_path, *, channels):
    time.sleep(60)


def greedy(_path, *, channels):
    return bytes(4 << 30)


def raising(_path, *, channels):
    raise KeyError("a plugin's own")


def silent(_path, *, channels):
    raise DecodeError("")


def without_the_broad_except(path, *, channels):
    """Damaged files raise more than Pillow's own errors."""
    decoding.Exception = Image.UnidentifiedImageError
    return decoding.decode(path, channels=channels)


def without_the_limit_of_pixels(path, *, channels):
    try:
        return _UNLIMITED.decode(path, channels=channels)
    except _UNLIMITED.DecodeError as error:
        raise DecodeError(str(error)) from None


((_, _UNLIMITED),) = without_each(Path(decoding.__file__), "_require_reasonable(image)")
