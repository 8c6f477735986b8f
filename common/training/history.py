"""The epochs of a run: which was the best, and whether it is worth going on."""

import math
from collections.abc import Sequence
from typing import Any

Row = dict[str, Any]  # of history.json: epoch, train_loss, train_accuracy, valid_loss, ...


def best_row(history: Sequence[Row]) -> Row | None:
    """The epoch with the highest validation accuracy, then the lowest loss, then the earliest.

    Without validation, the same of training.
    """

    def merit(row: Row) -> tuple[float, float]:
        part = "valid" if row["valid_accuracy"] is not None else "train"
        loss = row[f"{part}_loss"]
        return row[f"{part}_accuracy"] or 0.0, -(math.inf if loss is None else loss)

    return max(history, key=merit, default=None)


def has_stalled(history: Sequence[Row], *, patience: int) -> bool:
    """Whether so many epochs have passed without a better one; a patience of 0 never ends."""
    best = best_row(history)
    waited = len(history) - best["epoch"] if best else 0
    return bool(patience) and waited >= patience
