"""A run before people's eyes: a bar with loss, rate and remaining time, and a line for each epoch."""

import sys
from collections.abc import Callable
from typing import TYPE_CHECKING, Any

from tqdm import tqdm

if TYPE_CHECKING:
    from backends.loop import Loop


def follow(loop: "Loop", *, after_epoch: Callable[[], None]) -> None:
    """Run the loop to its end; ``after_epoch`` is called whenever an epoch is finished."""
    total = loop.recipe.epochs * loop.batches_per_epoch
    told = len(loop.history)
    bar: tqdm[Any] = tqdm(
        total=total,
        initial=loop.step,
        unit="batch",
        file=sys.stderr,
        mininterval=0.1 if sys.stderr.isatty() else 20,
        dynamic_ncols=True,
        disable=not loop.team.member.is_first,
    )
    with bar:
        for loss, rate in loop.run():
            if len(loop.history) > told:
                told = _tell(loop, told, bar)
                after_epoch()
            bar.set_postfix_str(
                f"loss {'?' if loss is None else f'{loss:.4f}'}, rate {rate:.2e}", refresh=False
            )
            bar.update()
        if len(loop.history) > told:
            _tell(loop, told, bar)
            after_epoch()


def _tell(loop: "Loop", told: int, bar: "tqdm[Any]") -> int:
    """Print a line for each epoch that is finished and not told of yet."""
    for row in loop.rows()[told:]:
        valid = row["valid_accuracy"]
        speed = row["images_per_second"]
        bar.write(
            f"epoch {row['epoch']}: train loss {row['train_loss']:.4f}, accuracy {row['train_accuracy']:.2%}"
            + (
                f"; valid loss {_number(row['valid_loss'])}, accuracy {valid:.2%}"
                if valid is not None
                else ""
            )
            + f"; rate {row['learning_rate']:.2e}"
            + (f"; {speed:.0f} images/s" if speed else ""),
            file=sys.stdout,
        )
        sys.stdout.flush()
    return len(loop.history)


def _number(value: float | None) -> str:
    return "none" if value is None else f"{value:.4f}"
