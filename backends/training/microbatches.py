"""Batches in host memory, as parts on the device that a learner works on one after the other."""

from collections import deque
from collections.abc import Iterable, Iterator
from typing import NamedTuple

import numpy as np

from backends import Backend, Tensor
from common.runtime.distributed import Portion
from common.transforms.preprocessing import Preprocessing


class Part(NamedTuple):
    """Part number ``number`` of a batch, on the device; ``last`` of it, or not.

    The first ``counted`` images count, as ``share`` of those of all processes.
    """

    images: Tensor
    labels: Tensor
    number: int
    counted: int
    share: float
    last: bool


def parts(
    backend: Backend,
    batches: Iterable[tuple[np.ndarray, np.ndarray]],
    portions: Iterable[Portion],
    *,
    size: int,
    device: str,
    precision: str,
    preprocessing: Preprocessing,
) -> Iterator[Part]:
    """Parts of ``size`` images or fewer. ``portions`` says of each batch which images count.

    Where none counts, there is one image of no share: the other processes wait for this one.
    """
    planned: deque[tuple[int, int, float, bool]] = deque()  # a GPU is fed ahead of what is asked for

    def cut() -> Iterator[tuple[np.ndarray, np.ndarray]]:
        for (images, labels), (own, whole) in zip(batches, portions, strict=False):
            taken = max(own, 1)
            for number, start in enumerate(range(0, taken, size)):
                end = min(start + size, taken)
                counted = min(end, own) - start
                planned.append((number, counted, counted / whole, end == taken))
                yield images[start:end], labels[start:end]

    fed = backend.feed(cut(), device=device, precision=precision, preprocessing=preprocessing)
    return (Part(images, labels, *planned.popleft()) for images, labels in fed)
