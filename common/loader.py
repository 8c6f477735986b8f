"""From an index to NumPy batches, in an order that depends on the seed and the epoch alone."""

from collections import deque
from collections.abc import Iterable, Iterator
from concurrent.futures import Future, ThreadPoolExecutor
from dataclasses import dataclass
from itertools import count, islice

import numpy as np
from PIL import Image

from common import decoding
from common.cli import UsageError
from common.dataset import Index
from common.transforms import Transform

BATCHES_AHEAD = 2

Sample = tuple[int, int]  # (epoch, position in the index)
Batch = tuple[np.ndarray, np.ndarray]


@dataclass(frozen=True, kw_only=True)
class Loader:
    """Batches of an index: images float32 (batch, channels, height, width), labels int64 (batch,).

    ``workers`` threads decode ahead, at most two batches; with 0 a batch is decoded where it is asked
    for. Pillow releases the GIL while it decodes and resizes, so threads are enough. A sample's
    randomness is ``default_rng((seed, epoch, position))``: the number of workers changes no pixel.
    """

    index: Index
    transform: Transform
    channels: int
    batch_size: int
    workers: int = 0
    seed: int = 0
    shuffle: bool = False

    def epoch(self, number: int) -> Iterator[Batch]:
        """One pass over the index; the last batch may be smaller. Closing it early stops its threads."""
        return self._load(_batched(self._samples(number), self.batch_size))

    def endless(self) -> Iterator[Batch]:
        """Epoch after epoch without an end, every batch full: for measuring."""
        samples = (sample for number in count() for sample in self._samples(number))
        return self._load(_batched(samples, self.batch_size))

    def _samples(self, epoch: int) -> Iterator[Sample]:
        order = np.arange(len(self.index))
        if self.shuffle:
            np.random.default_rng((self.seed, epoch)).shuffle(order)
        return ((epoch, int(position)) for position in order)

    def _load(self, batches: Iterable[list[Sample]]) -> Iterator[Batch]:
        if self.workers == 0:
            yield from (self._assemble(batch, map(self._array, batch)) for batch in batches)
            return
        pool = ThreadPoolExecutor(self.workers, thread_name_prefix="loader")
        ahead: deque[tuple[list[Sample], list[Future[np.ndarray]]]] = deque()
        waiting = iter(batches)
        try:
            while True:
                for batch in islice(waiting, BATCHES_AHEAD - len(ahead)):
                    ahead.append((batch, [pool.submit(self._array, sample) for sample in batch]))
                if not ahead:
                    return
                batch, arrays = ahead.popleft()
                yield self._assemble(batch, (array.result() for array in arrays))
        finally:
            pool.shutdown(wait=True, cancel_futures=True)

    def _assemble(self, batch: list[Sample], arrays: Iterable[np.ndarray]) -> Batch:
        # Stacking transposed images keeps their channels last in memory, and torch would compute so.
        images = np.ascontiguousarray(np.stack(list(arrays)))
        return images, self.index.labels[[position for _, position in batch]]

    def _array(self, sample: Sample) -> np.ndarray:
        image = decode(self.index, sample[1], channels=self.channels)
        array: np.ndarray = self.transform(image, np.random.default_rng((self.seed, *sample)))
        return array


def decode(index: Index, position: int, *, channels: int) -> Image.Image:
    """The image at a position, upright, as RGB (3 channels) or grey (1). UsageError names its line."""
    path = index.locate(position)
    try:
        return decoding.decode(path, channels=channels)
    except decoding.DecodeError as error:
        raise UsageError(f"{index.origin(position)}: {path} cannot be decoded ({error})") from None


def _batched(samples: Iterator[Sample], size: int) -> Iterator[list[Sample]]:
    while batch := list(islice(samples, size)):
        yield batch
