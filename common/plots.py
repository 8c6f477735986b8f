"""Pictures of results. Drawn without a display, written atomically."""

import warnings
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import numpy as np
from matplotlib.backends.backend_agg import FigureCanvasAgg
from matplotlib.figure import Figure
from matplotlib.ticker import MaxNLocator
from PIL import Image

from common.files import replacing
from common.fonts import font_family
from common.training.history import Row

DPI = 120
LARGEST_WITH_NUMBERS = 30  # classes of a confusion matrix whose counts can still be read
STYLES = ("-", "--", ":", "-.")


def draw_curves(runs: Mapping[str, Sequence[Row]], path: Path) -> None:
    """Loss, accuracy and rate by epoch; several runs are laid over each other, by name."""
    figure = Figure(figsize=(13, 4), layout="constrained")
    loss, accuracy, rate = figure.subplots(1, 3)
    for number, (name, rows) in enumerate(runs.items()):
        style = STYLES[number % len(STYLES)]
        under = len(runs) - 1 - number  # wide and pale, so that curves which lie on each other are all seen
        look = {"linewidth": 1.5 + 3 * under, "alpha": 0.4 if under else 1.0}
        epochs = [row["epoch"] for row in rows]
        for axes, what in ((loss, "loss"), (accuracy, "accuracy")):
            for color, part in (("tab:blue", "train"), ("tab:orange", "valid")):
                values = [np.nan if row[f"{part}_{what}"] is None else row[f"{part}_{what}"] for row in rows]
                if not np.isnan(values).all():
                    label = f"{name} {part}".strip()
                    axes.plot(epochs, values, style, color=color, label=label, marker=_dots(rows), **look)
        rates = [row["learning_rate"] for row in rows]
        rate.plot(epochs, rates, style, color="tab:gray", marker=_dots(rows), **look)
    for axes, title in ((loss, "cross-entropy"), (accuracy, "accuracy"), (rate, "learning rate")):
        axes.set_title(title)
        axes.set_xlabel("epoch")
        axes.xaxis.set_major_locator(MaxNLocator(integer=True))
        axes.grid(alpha=0.3)
    loss.legend()
    accuracy.set_ylim(0, 1)
    _save(figure, path)


def draw_confusion(counts: np.ndarray, classes: Sequence[str], path: Path) -> None:
    """Labels down, predictions across; rows are shaded by their own sum."""
    side = min(4 + 0.45 * len(classes), 24)
    figure = Figure(figsize=(side + 1, side), layout="constrained")
    axes = figure.subplots()
    share = counts / np.maximum(counts.sum(axis=1, keepdims=True), 1)
    picture = axes.imshow(share, cmap="Blues", vmin=0, vmax=1)
    family = font_family("".join(classes))
    places = range(len(classes))
    axes.set_xticks(places, labels=list(classes), rotation=60, ha="right", family=family)
    axes.set_yticks(places, labels=list(classes), family=family)
    axes.set_xlabel("prediction")
    axes.set_ylabel("label")
    if len(classes) <= LARGEST_WITH_NUMBERS:
        for row, column in np.ndindex(*counts.shape):
            if counts[row, column]:
                dark = share[row, column] > 0.5
                text = f"{counts[row, column]}"
                axes.text(column, row, text, ha="center", va="center", color="white" if dark else "black")
    figure.colorbar(picture, label="part of the label's images", shrink=0.8)
    _save(figure, path)


def draw_grid(
    images: Sequence[Image.Image], titles: Sequence[str], right: Sequence[bool | None], path: Path
) -> None:
    """Images with a title each, green where right, red where wrong, three in a row."""
    columns = min(3, len(images))
    rows = -(-len(images) // columns)
    figure = Figure(figsize=(3 * columns, 3.4 * rows), layout="constrained")
    family = font_family("".join(titles))
    colors = {True: "tab:green", False: "tab:red", None: "black"}
    for number, (image, title, is_right) in enumerate(zip(images, titles, right, strict=True)):
        axes = figure.add_subplot(rows, columns, number + 1)
        axes.imshow(np.asarray(image), cmap="gray" if image.mode == "L" else None)
        axes.set_title(title, color=colors[is_right], family=family, fontsize=10)
        axes.axis("off")
    _save(figure, path)


def _dots(rows: Sequence[Row]) -> str:
    return "o" if len(rows) < 3 else ""


def _save(figure: Figure, path: Path) -> None:
    canvas: Any = FigureCanvasAgg(figure)
    with replacing(path) as temporary, warnings.catch_warnings():
        warnings.filterwarnings("ignore", message="Glyph .* missing")  # lettering has said so, once
        canvas.print_figure(temporary, format="png", dpi=DPI)
