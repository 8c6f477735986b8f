"""The folder of a training run: what lies in it, and that one process at a time writes there."""

import fcntl
import json
import math
import os
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from common.cli import UsageError
from common.json_text import write_json
from common.weights.checkpoint import BEST, LAST, Checkpoint

HISTORY, RECIPE, CLASSES, TEST, CURVES = (
    "history.json",
    "recipe.json",
    "class_indices.json",
    "test.json",
    "curves.png",
)


class RunFolder:
    """Files of a run. Every one of them is complete or absent.

    One of a run's processes ``writes``; to the others a write is done by doing nothing.
    """

    def __init__(self, path: Path, *, writes: bool = True) -> None:
        self.path, self.writes = path, writes

    @contextmanager
    def claimed(self) -> Iterator[None]:
        """Hold the folder: made if need be, and refused while another run holds it."""
        if not self.writes:
            yield
            return
        try:
            self.path.mkdir(parents=True, exist_ok=True)
            handle = os.open(self.path, os.O_RDONLY | os.O_DIRECTORY)
        except OSError as error:
            raise UsageError(
                f"{self.path}: cannot create this folder ({error.strerror}); name another"
            ) from None
        try:
            fcntl.flock(handle, fcntl.LOCK_EX | fcntl.LOCK_NB)
            self._sweep()
            yield
        except BlockingIOError:
            raise UsageError(f"{self.path}: another run writes there; wait for it or name another") from None
        finally:
            os.close(handle)

    def last(self, read: Callable[[Path], Checkpoint | None]) -> Checkpoint | None:
        """The run's last state.

        Returns None before its first. ``read`` gives the checkpoint at a path, if any.
        """
        path = self.path / LAST
        found = read(path)
        if path.exists() if found is None else not found.run:
            raise UsageError(f"{path}: holds no run to go on with; name another folder")
        return found

    def save_last(self, state: Checkpoint) -> None:
        """Replace the run's last state."""
        if self.writes:
            state.write(self.path / LAST)

    def save_best(self, state: Checkpoint) -> None:
        """Replace the run's best weights."""
        if self.writes:
            state.write(self.path / BEST)

    def write_json(self, name: str, value: Any) -> None:
        """Write one of the run's JSON files."""
        if self.writes:
            write_json(self.path / name, value)

    def speeds(self) -> dict[int, float | None]:
        """Images per second by epoch, of which no checkpoint knows: it would not be the same twice."""
        try:
            rows: Sequence[dict[str, Any]] = json.loads((self.path / HISTORY).read_text(encoding="utf-8"))
            return {row["epoch"]: row["images_per_second"] for row in rows}
        except (OSError, ValueError, KeyError, TypeError):
            return {}

    def _sweep(self) -> None:
        """Remove what a killed process left of files that it was writing."""
        for name in (LAST, BEST, HISTORY, RECIPE, CLASSES, TEST, CURVES):
            for leftover in self.path.glob(f".{name}.*.part"):
                leftover.unlink(missing_ok=True)


Row = dict[str, Any]  # of history.json: epoch, train_loss, train_accuracy, valid_loss, ...


def best_row(history: Sequence[Row]) -> Row | None:
    """The epoch with the highest validation accuracy, then the lowest loss, then the earliest.

    Without validation, the same of training.
    """

    def merit(row: Row) -> tuple[float, float]:
        split = "valid" if row["valid_accuracy"] is not None else "train"
        loss = row[f"{split}_loss"]
        return row[f"{split}_accuracy"] or 0.0, -(math.inf if loss is None else loss)

    return max(history, key=merit, default=None)


def has_stalled(history: Sequence[Row], *, patience: int) -> bool:
    """True after ``patience`` epochs without a better one.

    A patience of 0 never ends.
    """
    best = best_row(history)
    waited = len(history) - best["epoch"] if best else 0
    return bool(patience) and waited >= patience
