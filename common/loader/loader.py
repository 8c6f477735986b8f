"""From an index to NumPy batches, in an order that depends on the seed and the epoch alone."""

import math
from collections import deque
from collections.abc import Iterable, Iterator
from concurrent.futures import Future, ThreadPoolExecutor
from dataclasses import dataclass, field, replace
from itertools import count, islice
from typing import NamedTuple

import numpy as np

from common.dataset.decoding import DecodeError
from common.dataset.index import Index
from common.loader.bad_images import LEFT_OUT, BadImages, OnDamage
from common.loader.image_cache import Buffers, ImageCache
from common.runtime.memory import require_memory
from common.transforms import Compose, Transform, is_random
from common.transforms.preprocessing import TOGETHER, Preprocessing

BATCHES_AHEAD = 2

Batch = tuple[np.ndarray, np.ndarray]


class Sample(NamedTuple):
    """A place in an epoch: which epoch, and which image of the index."""

    epoch: int
    position: int


class Pending(NamedTuple):
    """A batch being filled: its memory, and a few rows at a time which images they will hold."""

    images: np.ndarray
    parts: "list[Future[list[int]]]"


@dataclass(frozen=True, kw_only=True)
class Loader:
    """Batches of an index: images float32 (batch, channels, height, width), labels int64 (batch,).

    With ``as_bytes`` images are uint8 and neither scaled nor normalised: the device does that then.
    ``workers`` threads decode ahead, at most two batches; with 0 a batch is decoded where it is asked
    for. Pillow releases the GIL while it decodes and resizes, so threads are enough. A sample's
    randomness is ``default_rng((seed, epoch, position))``: the number of workers changes no pixel.

    An image that cannot be decoded raises UsageError naming its line ("refuse"), or is replaced by
    another, drawn from (seed, epoch, position), so that batches stay full ("replace"), or leaves its batch
    smaller ("leave out"). The last two warn once, and ``damaged`` holds the reasons by position.

    ``cache_bytes`` of memory keep images for later epochs: prepared ones where preparing them involves no
    chance, else decoded ones. A batch's memory is used again once nobody refers to it; keep a batch as long
    as you like.
    """

    index: Index
    preprocessing: Preprocessing
    batch_size: int
    workers: int = 0
    seed: int = 0
    shuffle: bool = False
    drop_last: bool = False
    rank: int = 0
    ranks: int = 1
    on_damage: OnDamage = "refuse"
    cache_bytes: int = 0
    as_bytes: bool = False
    _cache: ImageCache = field(init=False, repr=False)
    _uncached: Preprocessing = field(init=False, repr=False)
    _damage: BadImages = field(init=False, repr=False)
    _batches: dict[int, Buffers] = field(init=False, repr=False, default_factory=dict)
    _pixels: Buffers = field(init=False, repr=False)

    def __post_init__(self) -> None:
        object.__setattr__(self, "_damage", BadImages(self.index, self.on_damage))
        self._set_up_cache()
        pixels = Buffers((TOGETHER, *self.preprocessing.shape), np.dtype(np.uint8), keep=max(self.workers, 1))
        object.__setattr__(self, "_pixels", pixels)

    def _set_up_cache(self) -> None:
        """Divide the preparation of images: what is cached, and what is done anew in each epoch."""
        uncached, decoded_only = self.preprocessing, Compose([])
        transform: Transform = decoded_only
        if self.cache_bytes and not is_random(uncached.image):
            transform, uncached = uncached.image, replace(uncached, image=decoded_only)
        cache = ImageCache(
            self.index, transform, channels=self.preprocessing.shape[0], budget_bytes=self.cache_bytes
        )
        object.__setattr__(self, "_cache", cache)
        object.__setattr__(self, "_uncached", uncached)

    @property
    def damaged(self) -> dict[int, str]:
        """Why images could not be decoded, by position."""
        return self._damage.reasons

    def __len__(self) -> int:
        """Batches in an epoch."""
        samples = -(-len(self.index) // self.ranks)
        return samples // self.batch_size if self.drop_last else -(-samples // self.batch_size)

    def epoch(self, number: int, *, start: int = 0) -> Iterator[Batch]:
        """One pass over this rank's samples, from batch ``start`` on.

        The last batch may be smaller. Closing it early stops its threads.
        """
        batches = islice(_batched(self._samples(number), self.batch_size), start, len(self))
        each = -(-len(self.index) // self.ranks)
        yield from self._load(batches, rows=min(self.batch_size, each))
        self._damage.log_summary()

    def endless(self) -> Iterator[Batch]:
        """Epoch after epoch without an end, every batch full: for measuring."""
        samples = (sample for number in count() for sample in self._samples(number))
        return self._load(_batched(samples, self.batch_size), rows=self.batch_size)

    def _samples(self, epoch: int) -> Iterator[Sample]:
        order = epoch_order(
            len(self.index),
            seed=self.seed,
            epoch=epoch,
            shuffle=self.shuffle,
            rank=self.rank,
            ranks=self.ranks,
        )
        return (Sample(epoch, position) for position in order.tolist())

    def _load(self, batches: Iterable[list[Sample]], *, rows: int) -> Iterator[Batch]:
        for images, positions in self._filled(batches, self._buffers(rows)):
            if LEFT_OUT in positions:
                kept = np.array(positions) != LEFT_OUT
                yield images[kept], self.index.labels[np.array(positions)[kept]]
            else:
                yield images, self.index.labels[positions]
            del images  # its memory may be used again as soon as the caller forgets it too

    def _buffers(self, rows: int) -> Buffers:
        """Memory of batches of at most so many rows. Raises UnavailableError where there is not enough."""
        if rows not in self._batches:
            shape, dtype = self.preprocessing.shape, np.dtype(np.uint8 if self.as_bytes else np.float32)
            sides = "x".join(map(str, shape))
            what = f"--batch-size {self.batch_size}: a batch of {rows:,} images of {sides}"
            require_memory(rows * math.prod(shape) * dtype.itemsize, what)
            # For batches being filled, and two that a caller holds: the last one and this one.
            self._batches[rows] = Buffers((rows, *shape), dtype, keep=BATCHES_AHEAD + 2)
        return self._batches[rows]

    def _filled(
        self, batches: Iterable[list[Sample]], memory: Buffers
    ) -> Iterator[tuple[np.ndarray, list[int]]]:
        """Images of each batch, and which positions of the index they are."""
        if self.workers == 0:
            for batch in batches:
                images = memory.take()[: len(batch)]
                filled = [self._fill(images[rows], batch[rows]) for rows in _parts(len(batch))]
                yield images, [position for part in filled for position in part]
                del images
            return
        waiting, ahead = iter(batches), deque[Pending]()
        pool = ThreadPoolExecutor(self.workers, thread_name_prefix="loader")
        try:
            while True:
                for batch in islice(waiting, BATCHES_AHEAD - len(ahead)):
                    images = memory.take()[: len(batch)]
                    parts = [
                        pool.submit(self._fill, images[rows], batch[rows]) for rows in _parts(len(batch))
                    ]
                    ahead.append(Pending(images, parts))
                    del images
                if not ahead:
                    return
                images, parts = ahead.popleft()
                yield images, [position for part in parts for position in part.result()]
                del images
        finally:
            pool.shutdown(wait=True, cancel_futures=True)

    def _fill(self, images: np.ndarray, samples: list[Sample]) -> list[int]:
        """Fill a few rows of a batch.

        Returns the positions whose pixels they are.
        """
        pixels = images if self.as_bytes else self._pixels.take()[: len(images)]
        positions = [self._fill_row(row, sample) for row, sample in zip(pixels, samples, strict=True)]
        if not self.as_bytes:
            self.preprocessing.scale_into(images, pixels)
        return positions

    def _fill_row(self, row: np.ndarray, sample: Sample) -> int:
        """Put a sample's pixels into a row of a batch.

        Returns the position whose pixels they are.
        """
        seed = (self.seed, *sample)
        try:
            self._write(row, sample.position, seed=seed)
        except DecodeError as error:
            return self._damage.settle(
                sample.position,
                error,
                seed=seed,
                write=lambda other: self._write(row, other, seed=(*seed, other)),
            )
        return sample.position

    def _write(self, row: np.ndarray, position: int, *, seed: tuple[int, ...]) -> None:
        image = self._cache.get(position)
        # Making a generator takes longer than asking whether it is needed.
        rng = np.random.default_rng(seed) if is_random(self._uncached.image) else None
        self._uncached.write(image, rng, row)


def _parts(rows: int) -> list[slice]:
    return [slice(start, start + TOGETHER) for start in range(0, rows, TOGETHER)]


def _batched(samples: Iterator[Sample], size: int) -> Iterator[list[Sample]]:
    while batch := list(islice(samples, size)):
        yield batch


def epoch_order(
    length: int, *, seed: int, epoch: int, shuffle: bool, rank: int = 0, ranks: int = 1
) -> np.ndarray:
    """Positions of one rank's samples in one epoch, int64.

    Every sample comes once an epoch; where they do not divide evenly, the first ones come once more, so
    that every rank has equally many: as torch's DistributedSampler does it,
    https://docs.pytorch.org/docs/stable/data.html#torch.utils.data.distributed.DistributedSampler
    """
    order = np.arange(length)
    if shuffle:
        np.random.default_rng((seed, epoch)).shuffle(order)
    each = math.ceil(length / ranks)
    return np.resize(order, each * ranks)[rank::ranks]
