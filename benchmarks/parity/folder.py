"""Tensors on disk, one file each: written as they arise, read one at a time, deleted once compared."""

from collections.abc import Iterable, Iterator
from pathlib import Path
from urllib.parse import quote, unquote

import numpy as np
from safetensors.numpy import load_file, save_file

SUFFIX = ".safetensors"


class TensorFolder:
    """Named arrays in a folder of their own.

    Nothing is flushed to the disk and nothing is atomic: a folder is fresh for each request, and its
    content counts only once the worker that filled it has answered.
    """

    def __init__(self, path: Path | str) -> None:
        self.path = Path(path)
        self.path.mkdir(parents=True, exist_ok=True)

    def add(self, name: str, array: np.ndarray) -> None:
        """Write one array; safetensors would scramble one that is not contiguous."""
        save_file({"x": np.require(array, requirements="C")}, self._file(name))

    def fill(self, arrays: Iterable[tuple[str, np.ndarray]]) -> None:
        """Write them all."""
        for name, array in arrays:
            self.add(name, array)

    def load(self, name: str) -> np.ndarray:
        """Read one array."""
        return load_file(self._file(name))["x"]

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
