"""A run before people's eyes: a bar with loss, rate and remaining time, and a line for each epoch."""

import logging
import math
import sys
import time
from collections import Counter
from collections.abc import Sequence
from typing import TYPE_CHECKING

import numpy as np

from backends import Backend, Model
from common.terminal import progress
from common.training.run_folder import CURVES, Row, RunFolder
from common.weights.checkpoint import ModelConfig

if TYPE_CHECKING:
    from typing import Self  # a worker may have Python 3.10

    from backends.training.loop import Loop


class EpochBar:
    """A bar of a run's batches on stderr, and on stdout a line for each epoch that is finished."""

    def __init__(self, loop: "Loop") -> None:
        total = loop.recipe.epochs * loop.batches_per_epoch
        self._bar = progress(total=total, done=loop.step, unit="batches", shown=loop.team.member.is_first)

    def __enter__(self) -> "Self":
        return self

    def __exit__(self, *_: object) -> None:
        self._bar.close()

    def show_update(self, loss: float | None, rate: float) -> None:
        """Move on by one batch.

        ``loss`` is the epoch's mean so far, None while it is on the device.
        """
        mean = "?" if loss is None else f"{loss:.4f}"
        self._bar.set_postfix_str(f"loss {mean}, rate {rate:.2e}", refresh=False)
        self._bar.update()

    def show_epoch(self, row: Row, *, waiting_share: float) -> None:
        """Print the line of a finished epoch; ``waiting_share`` of its time images were waited for."""
        valid, speed = row["valid_accuracy"], row["images_per_second"]
        self._bar.write(
            f"epoch {row['epoch']}: train loss {row['train_loss']:.4f}, accuracy {row['train_accuracy']:.2%}"
            + (
                f"; valid loss {_number(row['valid_loss'])}, accuracy {valid:.2%}"
                if valid is not None
                else ""
            )
            + f"; rate {row['learning_rate']:.2e}"
            + (f"; {speed:.0f} images/s, {waiting_share:.0%} of the time waiting for them" if speed else ""),
            file=sys.stdout,
        )
        sys.stdout.flush()


def _number(value: float | None) -> str:
    return "none" if value is None else f"{value:.4f}"


def layer_table(backend: Backend, model: Model, subject: ModelConfig, *, device: str) -> str:
    """Name, type, output shape and parameters of each layer in execution order, and their sum."""
    from tabulate import tabulate

    shape = subject.preparation.input_shape
    images = np.zeros((1, *shape), dtype=np.float32)
    shapes = backend.parameter_shapes(model)
    dtype = "fp64" if next(iter(backend.get_weights(model).values())).dtype == np.float64 else "fp32"
    layers = backend.trace(model, backend.from_numpy(images, device=device, precision=dtype))
    counts: Counter[str] = Counter()
    for name, sizes in shapes.items():
        counts[name.rpartition(".")[0]] += int(np.prod(sizes))
    rows = [
        (layer["name"], layer["type"], "x".join(map(str, layer["output_shape"][1:])), counts[layer["name"]])
        for layer in layers
    ]
    total = sum(counts.values())
    table = tabulate(
        [(name, kind, out, f"{count:,}" if count else "") for name, kind, out, count in rows],
        headers=("layer", "type", "output", "parameters"),
        colalign=("left", "left", "left", "right"),
        disable_numparse=True,
    )
    return f"{table}\n{subject.model}: {total:,} parameters, images {'x'.join(map(str, shape))}"


DRAW_SECONDS = 30  # drawing takes half a second: not after each of many short epochs
logger = logging.getLogger(__name__)


class Curves:
    """Keeps curves.png up to date while a run goes on."""

    def __init__(self, folder: RunFolder) -> None:
        self._path, self._drawn, self._possible = folder.path / CURVES, -math.inf, folder.writes

    def update(self, rows: Sequence[Row]) -> None:
        """Draw, unless that was done a moment ago."""
        if time.monotonic() - self._drawn >= DRAW_SECONDS:
            self.draw(rows)

    def draw(self, rows: Sequence[Row]) -> None:
        """Draw now; where it cannot be done, training goes on with one warning."""
        if not self._possible:
            return
        try:
            from common.plots import draw_curves
        except ImportError as error:
            logger.warning("%s is not drawn: %s", CURVES, error)
            self._possible = False
            return
        draw_curves({"": rows}, self._path)
        self._drawn = time.monotonic()
