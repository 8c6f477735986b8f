"""Policy for images that cannot be decoded: refuse, replace or skip."""

import logging
import threading
from collections.abc import Callable, Iterator
from typing import Literal, TypeAlias

import numpy as np

from common.cli import UsageError
from common.dataset.decoding import DecodeError
from common.dataset.index import Index

OnDamage: TypeAlias = Literal["refuse", "replace", "leave out"]
TRIES = 20  # replacements for one image, before the list itself is at fault
LEFT_OUT = -1  # in place of a position
_DONE_WITH = {"replace": "replaced by others", "leave out": "left out"}

logger = logging.getLogger(__name__)


class BadImages:
    """The damaged images of an index: their reasons by position, logged once and counted."""

    def __init__(self, index: Index, on_damage: OnDamage) -> None:
        self.index, self.on_damage = index, on_damage
        self.reasons: dict[int, str] = {}
        self._lock = threading.Lock()

    def settle(
        self, position: int, error: DecodeError, *, seed: tuple[int, ...], write: Callable[[int], None]
    ) -> int:
        """Refuse an image, leave it out, or have another one written in its place.

        Returns which one. The others are drawn from ``seed``. Raises UsageError where none of them can be
        decoded either.
        """
        reason = f"{self.index.origin(position)}: {self.index.locate(position)} cannot be decoded ({error})"
        if self.on_damage == "refuse":
            raise UsageError(reason) from None
        with self._lock:  # or two threads would both give the one warning
            if not self.reasons:
                logger.warning("%s; such images are %s", reason, _DONE_WITH[self.on_damage])
            self.reasons[position] = reason
        if self.on_damage == "leave out":
            return LEFT_OUT
        for other in self._others(seed):
            try:
                write(other)
            except DecodeError:
                continue
            return other
        raise UsageError(
            f"{reason}, nor can any of {TRIES} others; check the list: "
            f"python -m common.dataset check {self.index.source}"
        )

    def log_summary(self) -> None:
        """Warn of how many there were, if any."""
        if self.reasons:
            logger.warning(
                "%s: %d of %d images could not be decoded and were %s; common.dataset check lists them",
                self.index.source,
                len(self.reasons),
                len(self.index),
                _DONE_WITH[self.on_damage],
            )

    def _others(self, seed: tuple[int, ...]) -> Iterator[int]:
        yield from np.random.default_rng(seed).integers(len(self.index), size=TRIES).tolist()
