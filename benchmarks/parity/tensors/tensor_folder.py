"""Tensors on disk, one file each: written as they arise, read one at a time, deleted once compared."""

from collections.abc import Iterable, Iterator
from pathlib import Path
from typing import Literal
from urllib.parse import quote, unquote

import numpy as np

MAPPED_BYTES = 1 << 16  # mapping a file takes longer than reading one that is smaller
COMPARED_BYTES = 1 << 19  # at a time: what fits in the cache
SUFFIX = ".npy"


class TensorFolder:
    """Named arrays in a folder of their own.

    Nothing is flushed to the disk and nothing is atomic: a folder is fresh for each request, and its
    content counts only once the worker that filled it has answered.
    """

    def __init__(self, path: Path | str) -> None:
        self.path = Path(path)
        self.path.mkdir(parents=True, exist_ok=True)

    def add(self, name: str, array: np.ndarray) -> None:
        """Write one array in NumPy's own format."""
        self.discard(name)  # who still looks at an earlier one of this name goes on seeing that
        np.save(self._file(name), np.require(array, requirements="C"), allow_pickle=False)

    def fill(self, arrays: Iterable[tuple[str, np.ndarray]]) -> None:
        """Write them all."""
        for name, array in arrays:
            self.add(name, array)

    def load(self, name: str) -> np.ndarray:
        """One array; a large one is read from the file as it is looked at.

        The array is read-only.
        """
        file = self._file(name)
        mode: Literal["r"] | None = "r" if file.stat().st_size > MAPPED_BYTES else None
        array: np.ndarray = np.load(file, mmap_mode=mode, allow_pickle=False).view(np.ndarray)
        array.flags.writeable = False
        return array

    def has(self, name: str, array: np.ndarray) -> bool:
        """True if an array of that name is there with the same shape, dtype and bits."""
        if name not in self:
            return False
        own = self.load(name)
        if (own.shape, own.dtype) != (array.shape, array.dtype):
            return False
        left, right = (np.require(side, requirements="C").reshape(-1).view(np.uint8) for side in (own, array))
        parts = [slice(at, at + COMPARED_BYTES) for at in range(0, left.size, COMPARED_BYTES)]
        return all(np.array_equal(left[part], right[part]) for part in parts)

    def discard(self, name: str) -> None:
        """Delete one array, if it is there."""
        self._file(name).unlink(missing_ok=True)

    def clear(self) -> None:
        """Delete everything."""
        for name in list(self):
            self.discard(name)

    def __contains__(self, name: object) -> bool:
        return isinstance(name, str) and self._file(name).exists()

    def __iter__(self) -> Iterator[str]:
        return (unquote(path.name.removesuffix(SUFFIX)) for path in sorted(self.path.glob(f"*{SUFFIX}")))

    def _file(self, name: str) -> Path:
        return self.path / (quote(name, safe="#") + SUFFIX)
