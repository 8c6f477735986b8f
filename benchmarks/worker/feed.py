"""Where a worker's batches of real images come from: the common loader, or the framework's own."""

from collections.abc import Iterator
from dataclasses import dataclass
from functools import cached_property
from itertools import count, islice
from pathlib import Path
from typing import Any

import numpy as np

from backends import Backend
from benchmarks.request.job import ImageSource
from benchmarks.worker.steps import Batch
from common import dataset
from common.cli import UsageError
from common.loader.loader import Loader
from common.transforms.preprocessing import Preprocessing, evaluation_preprocessing, training_preprocessing

PASS_IMAGES = 512  # of a pass, if the list has as many


@dataclass(frozen=True, kw_only=True)
class Feed:
    """Batches of a list of images, on the device."""

    backend: Backend
    source: ImageSource
    batch_size: int
    device: str
    precision: str

    @property
    def batches_per_pass(self) -> int:
        """Number of batches in a pass: full ones only.

        UsageError where the list is too short for one.
        """
        images = len(self.index)
        if images < self.batch_size:
            raise UsageError(
                f"{self.source.list}: {images} images do not fill a batch of {self.batch_size}; "
                f"give a smaller --batch-size"
            )
        return max(1, min(images, PASS_IMAGES) // self.batch_size)

    def passes(self) -> Iterator[Iterator[Batch]]:
        """Pass after pass, each from an empty pipeline, as an epoch begins."""
        return (islice(epoch, self.batches_per_pass) for epoch in self.epochs())

    def epochs(self) -> Iterator[Iterator[Batch]]:
        """Epoch after epoch: every full batch of the list."""
        return (self._epoch(number) for number in count())

    def endless(self) -> Iterator[Batch]:
        """Full batches without an end."""
        if self.source.loader == "common":
            return self._fed(self._loader.endless())
        assert self.batches_per_pass
        return (batch for epoch in self.epochs() for batch in epoch)

    @cached_property
    def index(self) -> dataset.Index:
        """The list's images."""
        root = Path(self.source.root) if self.source.root else None
        return dataset.read_list(Path(self.source.list), root=root)

    def _epoch(self, number: int) -> Iterator[Batch]:
        if self.source.loader == "common":
            return self._fed(self._loader.epoch(number))
        return iter(self._native)

    def _fed(self, batches: Iterator[tuple[np.ndarray, np.ndarray]]) -> Iterator[Batch]:
        where = {"device": self.device, "precision": self.precision}
        return self.backend.feed(batches, preprocessing=self._preprocessing, **where)

    @cached_property
    def _preprocessing(self) -> Preprocessing:
        make = training_preprocessing if self.source.augment else evaluation_preprocessing
        return make(self.source.input_shape)

    @cached_property
    def _loader(self) -> Loader:
        return Loader(
            index=self.index,
            preprocessing=self._preprocessing,
            batch_size=self.batch_size,
            workers=self.source.workers,
            seed=self.source.seed,
            shuffle=self.source.augment,
            as_bytes=self.device != "cpu",
        )

    @cached_property
    def _native(self) -> Any:
        return self.backend.native_loader(
            self.index,
            shape=self.source.input_shape,
            batch_size=self.batch_size,
            workers=self.source.workers,
            training=self.source.augment,
            device=self.device,
            precision=self.precision,
        )
