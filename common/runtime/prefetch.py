"""Batches on their way to a device that computes meanwhile."""

from collections.abc import Iterable, Iterator
from typing import Any, Protocol

import numpy as np


class CopyQueue(Protocol):
    """A device's queue for copies, beside the one in which it computes."""

    def start(self, images: np.ndarray, labels: np.ndarray) -> Any:
        """Begin to copy a batch, after what the device had been given to compute when this was called.

        Memory that earlier batches held may be used again, so a copy must not overtake their use.
        Returns at once; the arrays may be changed as soon as it has.
        """

    def join(self, started: Any) -> tuple[Any, Any]:
        """The batch on the device.

        Work that is queued from now on waits for the copy.
        """


def overlapped(
    batches: Iterable[tuple[np.ndarray, np.ndarray]], queue: CopyQueue
) -> Iterator[tuple[Any, Any]]:
    """Batches on the device, each copied while the caller computes on the one before."""
    ahead = None
    for images, labels in batches:
        started = queue.start(images, labels)
        if ahead is not None:
            yield queue.join(ahead)
        ahead = started
    if ahead is not None:
        yield queue.join(ahead)
