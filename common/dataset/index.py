"""Labelled images by path: the one index that every source becomes."""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass, replace
from pathlib import Path

import numpy as np
from PIL import Image

from common.cli import UsageError
from common.dataset import containers
from common.dataset.decoding import MODES


@dataclass(frozen=True, kw_only=True)
class Index:
    """Images and their labels.

    ``paths`` are relative to ``root`` or absolute; one with ``#number`` behind it names an image in a
    container. ``labels`` is int64 (images,). ``lines``, int64 (images,), is where ``source``, a list,
    names them; None where the source is no list. ``classes`` are the names of the labels, if known.
    """

    source: Path
    root: Path
    paths: Sequence[str]
    labels: np.ndarray
    lines: np.ndarray | None = None
    classes: tuple[str, ...] | None = None

    def __len__(self) -> int:
        return len(self.paths)

    @property
    def num_classes(self) -> int:
        """Number of classes: those with a name, or those up to the highest label."""
        return len(self.classes) if self.classes else int(self.labels.max()) + 1

    def locate(self, position: int) -> Path:
        """Where the image at a position lies."""
        return self.root / self.paths[position]

    def origin(self, position: int) -> str:
        """Which line of which list named the image, for messages."""
        return f"{self.source}:{self.lines[position]}" if self.lines is not None else str(self.source)

    def decode(self, position: int, *, channels: int) -> Image.Image:
        """The image at a position, upright, RGB (3 channels) or grey (1).

        Raises DecodeError.
        """
        return containers.decode(self.locate(position), channels=channels)

    def subset(self, positions: Iterable[int]) -> "Index":
        """The images at these positions, in their order."""
        chosen = np.fromiter(positions, dtype=np.int64)
        return replace(
            self,
            paths=[self.paths[position] for position in chosen],
            labels=self.labels[chosen],
            lines=None if self.lines is None else self.lines[chosen],
        )


def require_images(index: Index) -> None:
    """Raise UsageError, with a count and the first line concerned, if images do not exist."""
    missing = [position for position in range(len(index)) if not containers.exists(index.locate(position))]
    if missing:
        first = missing[0]
        raise UsageError(
            f"{index.origin(first)}: no image at {index.locate(first)} ({len(missing)} of {len(index)} "
            f"images are missing); name their folder with --root, or mend the list"
        )


def require_labels(index: Index, *, num_classes: int) -> None:
    """Raise UsageError if a label has no class among ``num_classes``."""
    outside = np.flatnonzero(index.labels >= num_classes)
    if outside.size:
        first = int(outside[0])
        raise UsageError(
            f"{index.origin(first)}: label {index.labels[first]} is outside 0..{num_classes - 1}; "
            f"give --num-classes {int(index.labels.max()) + 1}"
        )


def open_as_usual(index: Index, position: int, *, channels: int) -> Image.Image:
    """Pillow's image at a position as torchvision's ImageFolder opens it: converted, and nothing checked."""
    with index.locate(position).open("rb") as file, Image.open(file) as image:
        return image.convert(MODES[channels])
