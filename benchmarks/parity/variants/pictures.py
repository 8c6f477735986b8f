"""Batches of photographs for both sides: decoded once, transformed once, written where both read them."""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np

from benchmarks.parity.tensors.tensor_folder import TensorFolder
from benchmarks.request.inputs import LABELS
from common import dataset
from common.dataset.index import Index
from common.loader.loader import Loader
from common.runtime.devices import available_cores
from common.transforms.preprocessing import evaluation_preprocessing

BATCH = 32
MOST_PIXELS = 32 * 3 * 224 * 224  # of a batch, beyond 8 images
PHOTOGRAPHS = (1, 3)  # channels that a photograph can be decoded to


@dataclass(frozen=True, kw_only=True)
class Pictures:
    """The images of a list at the size of one pair: resized, scaled and normalised as evaluation does."""

    index: Index
    shape: tuple[int, int, int]

    @property
    def batch_size(self) -> int:
        """Images of a batch: fewer where they are large."""
        return max(1, min(BATCH, MOST_PIXELS // int(np.prod(self.shape))))

    def batches(self) -> Iterator[tuple[list[int], np.ndarray]]:
        """Every image of the list in order: positions, and float32 (batch, channels, height, width).

        Images that cannot be decoded are left out.
        """
        loader, start = self._loader(self.index, self.batch_size), 0
        for images, _ in loader.epoch(0):
            # A batch spans as many places of the list, and lacks those that could not be decoded.
            places = range(start, min(start + self.batch_size, len(self.index)))
            start += self.batch_size
            if len(images):
                yield [place for place in places if place not in loader.damaged], images

    def take(self, positions: Sequence[int]) -> np.ndarray:
        """The images at these positions, float32."""
        loader = self._loader(self.index.subset(positions), len(positions))
        images, _ = next(loader.epoch(0))
        return images

    def _loader(self, index: Index, batch_size: int) -> Loader:
        return Loader(
            index=index,
            preprocessing=evaluation_preprocessing(self.shape),
            batch_size=batch_size,
            workers=available_cores(),
            on_damage="leave out",
        )


def read_images(path: Path) -> Index:
    """The images of a list, all of them there. Raises UsageError."""
    index = dataset.read_list(path)
    dataset.require_images(index)
    return index


def write_batch(folder: TensorFolder, images: np.ndarray, labels: np.ndarray) -> None:
    """Write a batch as both sides read it."""
    folder.clear()
    folder.fill((("input0", images), (LABELS, labels)))
