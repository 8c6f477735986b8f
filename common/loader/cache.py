"""Decoded images kept for the next epoch, within a budget of memory or of disk."""

import hashlib
import threading
from pathlib import Path
from typing import Protocol

import numpy as np
from PIL import Image

from common.dataset import containers
from common.dataset.index import Index
from common.files import replacing


class ImageCache(Protocol):
    """Stands before ``Index.decode`` and gives the same images."""

    def decode(self, index: Index, position: int, *, channels: int) -> Image.Image:
        """See ``Index.decode``."""


class NoCache:
    """Decodes every time."""

    def decode(self, index: Index, position: int, *, channels: int) -> Image.Image:
        """See ``Index.decode``."""
        return index.decode(position, channels=channels)


class MemoryCache:
    """Keeps the first images that fit into ``budget_bytes``, decoded.

    Nothing is ever thrown out: epochs visit every image once in random order, so any image kept saves as
    much as any other, and replacing them by age would keep few until they are needed.
    """

    def __init__(self, budget_bytes: int) -> None:
        self.budget_bytes, self.used_bytes = budget_bytes, 0
        self._kept: dict[tuple[str, int], Image.Image] = {}
        self._lock = threading.Lock()

    def decode(self, index: Index, position: int, *, channels: int) -> Image.Image:
        """See ``Index.decode``. Callers must not change the image; transforms make new ones."""
        key = (str(index.locate(position)), channels)
        image = self._kept.get(key)
        if image is None:
            image = index.decode(position, channels=channels)
            size = image.width * image.height * (4 if channels == 3 else 1)  # Pillow pads RGB to four bytes
            with self._lock:
                if key not in self._kept and self.used_bytes + size <= self.budget_bytes:
                    self._kept[key] = image
                    self.used_bytes += size
        return image


class DiskCache:
    """Keeps the first images that fit into ``budget_bytes`` of a folder, decoded, for later runs as well.

    A file that has changed since (by its size or time) is another entry. Entries are complete or
    absent, so several processes may share the folder and any of them may be killed.
    """

    def __init__(self, folder: Path, budget_bytes: int) -> None:
        self.folder, self.budget_bytes = folder, budget_bytes
        folder.mkdir(parents=True, exist_ok=True)
        self.used_bytes = sum(entry.stat().st_size for entry in folder.glob("*.npy"))
        self._lock = threading.Lock()

    def decode(self, index: Index, position: int, *, channels: int) -> Image.Image:
        """See ``Index.decode``."""
        if containers.split_address(index.locate(position)):
            return index.decode(position, channels=channels)  # it is not compressed
        entry = self.folder / f"{_fingerprint(index.locate(position), channels=channels)}.npy"
        try:
            return Image.fromarray(np.load(entry, allow_pickle=False))
        except (OSError, ValueError, TypeError):  # not there, or damaged
            image = index.decode(position, channels=channels)
        self._keep(np.asarray(image), entry)
        return image

    def _keep(self, pixels: np.ndarray, entry: Path) -> None:
        with self._lock:
            if self.used_bytes + pixels.nbytes > self.budget_bytes:
                return
            self.used_bytes += pixels.nbytes
        with replacing(entry, durable=False) as temporary, temporary.open("wb") as file:
            np.save(file, pixels)


def _fingerprint(path: Path, *, channels: int) -> str:
    """What tells one image's content from another's without reading it."""
    try:
        facts = path.stat()
        version = (facts.st_size, facts.st_mtime_ns)
    except OSError:  # decoding will say so
        version = (0, 0)
    return hashlib.sha256(f"{path.absolute()}\n{version}\n{channels}".encode()).hexdigest()
