"""Arrays whose memory is used again once nobody refers to it any more."""

import sys
import threading

import numpy as np


class Buffers:
    """Hands out uninitialised arrays of one shape and type.

    Fresh memory for each batch costs more than scaling its pixels: the system clears every page first.
    An array handed out is a view, and whatever is made of it without a copy (a slice, a tensor) keeps
    its owner alive; only an owner that nothing refers to is handed out again.
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
                    return self._owners[place].view()
            owner = np.empty(self.shape, self.dtype)
            if len(self._owners) < self.keep:
                self._owners.append(owner)
            return owner.view()


def _references_while_unused() -> int:
    owners = [np.empty(0)]
    return sys.getrefcount(owners[0])


UNUSED = _references_while_unused()  # the list's and those of the count itself
