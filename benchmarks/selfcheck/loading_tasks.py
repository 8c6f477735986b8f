"""A worker's ways to load a list of images: as the common loader does, the framework's own, and the limit."""

import time
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace
from functools import partial
from itertools import islice
from pathlib import Path
from typing import Any

import numpy as np
from PIL import Image

from benchmarks.request.job import ImageSource
from benchmarks.selfcheck.data_loading import LIMIT
from benchmarks.worker.feed import Feed
from benchmarks.worker.steps import Batch
from benchmarks.worker.tasks import Tasks

COMMON = "common"
COMPARED_BATCHES = 4


class LoadingTasks(Tasks):
    """A worker's tasks, and passes over a list by each way to load it."""

    def open_ways(self, source: dict[str, Any], batch_size: int, threads: int) -> list[str]:
        """Set up every way to load the list; returns their names."""
        self.backend.equalise(threads=threads, device="cpu")
        images = ImageSource.from_json(source)
        workers = images.workers

        def feed(loader: str, workers: int) -> Feed:
            own = replace(images, loader=loader, workers=workers)
            return Feed(
                backend=self.backend, source=own, batch_size=batch_size, device="cpu", precision="fp32"
            )

        self.feeds = {COMMON: feed("common", workers), "native, 0 workers": feed("native", 0)}
        self.feeds[f"native, {workers} workers"] = feed("native", workers)
        index = self.feeds[COMMON].index
        paths = [index.locate(position) for position in range(len(index))]
        self.pool = ThreadPoolExecutor(max(workers, 1))
        size = (images.input_shape[2], images.input_shape[1])
        self.ways: dict[str, Callable[[], int]] = {LIMIT: lambda: self._limit(paths, size)}
        for name, one in self.feeds.items():
            self.ways[name] = partial(_read_epoch, one.epochs())
        return list(self.ways)

    def images_per_second(self, way: str) -> float:
        """The speed of one pass over the list."""
        start = time.perf_counter()
        images = self.ways[way]()
        return images / (time.perf_counter() - start)

    def largest_difference(self) -> float:
        """Between the first batches of the common loader and of the native one; 0 if all bits are equal."""
        epochs = (next(self.feeds[way].epochs()) for way in (COMMON, "native, 0 workers"))
        pairs = zip(*epochs, strict=False)  # the native loader leaves a smaller last batch out
        return max(
            float(np.abs(self.backend.to_numpy(ours) - self.backend.to_numpy(theirs)).max())
            for pair in islice(pairs, COMPARED_BATCHES)
            for ours, theirs in zip(*pair, strict=True)
        )

    def _limit(self, paths: list[Path], size: tuple[int, int]) -> int:
        def load(path: Path) -> None:
            Image.open(path).convert("RGB").resize(size, Image.Resampling.BILINEAR)

        return len(list(self.pool.map(load, paths)))


def _read_epoch(epochs: Iterator[Iterator[Batch]]) -> int:
    return sum(len(labels) for _, labels in next(epochs))
