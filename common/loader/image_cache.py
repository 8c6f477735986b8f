"""Images kept in memory for the next epoch, as far as a budget goes."""

import sys
import threading

import numpy as np
from PIL import Image

from common.dataset.index import Index
from common.transforms import Transform


class ImageCache:
    """Images of an index, decoded and put through a transform.

    The first that fit into a budget are kept. Nothing is ever thrown out: epochs visit every image once in
    random order, so any image kept saves as much as any other, and replacing them by age would keep few until
    they are needed.
    """

    def __init__(self, index: Index, transform: Transform, *, channels: int, budget_bytes: int) -> None:
        self.index, self.transform, self.channels = index, transform, channels
        self.budget_bytes, self.used_bytes = budget_bytes, 0
        self._kept: dict[int, Image.Image] = {}
        self._lock = threading.Lock()

    def get(self, position: int) -> Image.Image:
        """The transformed image at a position; callers must not change it. Raises DecodeError."""
        image = self._kept.get(position)
        if image is None:
            image = self.transform(self.index.decode(position, channels=self.channels))
            assert isinstance(image, Image.Image)
            size = image.width * image.height * (4 if self.channels == 3 else 1)  # Pillow pads RGB
            with self._lock:
                if position not in self._kept and self.used_bytes + size <= self.budget_bytes:
                    self._kept[position] = image
                    self.used_bytes += size
        return image


ALIGNMENT = 64  # bytes: a cache line, as the frameworks lay out their own tensors


class Buffers:
    """Hands out uninitialised arrays of one shape and type.

    Fresh memory for each batch costs more than scaling its pixels: the system clears every page first.
    An array handed out is a view, and whatever is made of it without a copy (a slice, a tensor) keeps
    its owner alive; only an owner that nothing refers to is handed out again. Each begins at a multiple
    of 64 bytes: how a sum is rounded may depend on where its numbers lie.
    """

    def __init__(self, shape: tuple[int, ...], dtype: np.dtype, *, keep: int) -> None:
        self.shape, self.dtype, self.keep = shape, dtype, keep
        self._owners: list[np.ndarray] = []
        self._lock = threading.Lock()

    def take(self) -> np.ndarray:
        """An array that nobody else has. Its content is whatever was there before."""
        with self._lock:
            for place in range(len(self._owners)):
                if sys.getrefcount(self._owners[place]) == UNUSED:
                    return self._view(self._owners[place])
            owner = np.empty(self._bytes + ALIGNMENT, np.uint8)
            if len(self._owners) < self.keep:
                self._owners.append(owner)
            return self._view(owner)

    @property
    def _bytes(self) -> int:
        return int(np.prod(self.shape)) * self.dtype.itemsize

    def _view(self, owner: np.ndarray) -> np.ndarray:
        start = -owner.ctypes.data % ALIGNMENT
        return owner[start : start + self._bytes].view(self.dtype).reshape(self.shape)


def _references_while_unused() -> int:
    owners = [np.empty(0)]
    return sys.getrefcount(owners[0])


UNUSED = _references_while_unused()  # the list's and those of the count itself
