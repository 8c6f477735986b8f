"""A run before people's eyes: a bar with loss, rate and remaining time, and a line for each epoch."""

import sys
from collections.abc import Callable
from typing import TYPE_CHECKING, Any

from common.cli import progress

if TYPE_CHECKING:
    from tqdm import tqdm

    from backends.training.loop import Loop


def follow(loop: "Loop", *, after_epoch: Callable[[], None]) -> None:
    """Run the loop to its end; ``after_epoch`` is called whenever an epoch is finished."""
    total = loop.recipe.epochs * loop.batches_per_epoch
    with progress(total=total, done=loop.step, unit="batch", shown=loop.team.member.is_first) as bar:
        for epoch in loop.epochs():
            for loss, rate in epoch:
                bar.set_postfix_str(
                    f"loss {'?' if loss is None else f'{loss:.4f}'}, rate {rate:.2e}", refresh=False
                )
                bar.update()
            _tell(loop.rows()[-1], bar)
            after_epoch()


def _tell(row: dict[str, Any], bar: "tqdm[Any]") -> None:
    """Print a line for an epoch that is finished."""
    valid, speed = row["valid_accuracy"], row["images_per_second"]
    bar.write(
        f"epoch {row['epoch']}: train loss {row['train_loss']:.4f}, accuracy {row['train_accuracy']:.2%}"
        + (f"; valid loss {_number(row['valid_loss'])}, accuracy {valid:.2%}" if valid is not None else "")
        + f"; rate {row['learning_rate']:.2e}"
        + (f"; {speed:.0f} images/s" if speed else ""),
        file=sys.stdout,
    )
    sys.stdout.flush()


def _number(value: float | None) -> str:
    return "none" if value is None else f"{value:.4f}"
