"""Pictures of results. Drawn without a display, written atomically."""

import logging
import warnings
from collections.abc import Mapping, Sequence
from functools import cache
from pathlib import Path
from typing import Any

import numpy as np
from matplotlib import font_manager
from matplotlib.backends.backend_agg import FigureCanvasAgg
from matplotlib.figure import Figure
from matplotlib.ft2font import FT2Font
from matplotlib.ticker import MaxNLocator
from PIL import Image, ImageFont

from common.files import replacing

DPI = 120
LARGEST_WITH_NUMBERS = 30  # classes of a confusion matrix whose counts can still be read
STYLES = ("-", "--", ":", "-.")


def draw_curves(runs: Mapping[str, Sequence[Mapping[str, Any]]], path: Path) -> None:
    """Loss, accuracy and rate by epoch.

    Several runs are laid over each other, by name.
    """
    figure = Figure(figsize=(13, 4), layout="constrained")
    loss, accuracy, rate = figure.subplots(1, 3)
    for number, (name, rows) in enumerate(runs.items()):
        style = STYLES[number % len(STYLES)]
        under = len(runs) - 1 - number  # wide and pale, so that curves which lie on each other are all seen
        look = {"linewidth": 1.5 + 3 * under, "alpha": 0.4 if under else 1.0}
        epochs = [row["epoch"] for row in rows]
        for axes, what in ((loss, "loss"), (accuracy, "accuracy")):
            for color, split in (("tab:blue", "train"), ("tab:orange", "valid")):
                values = [
                    np.nan if row[f"{split}_{what}"] is None else row[f"{split}_{what}"] for row in rows
                ]
                if not np.isnan(values).all():
                    label = f"{name} {split}".strip()
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
    axes.set_xticks(places, labels=list(classes), rotation=60, ha="right", family=family, parse_math=False)
    axes.set_yticks(places, labels=list(classes), family=family, parse_math=False)
    axes.set_xlabel("prediction")
    axes.set_ylabel("label")
    if len(classes) <= LARGEST_WITH_NUMBERS:
        for row, column in np.ndindex(*counts.shape):
            if counts[row, column]:
                dark = share[row, column] > 0.5
                text = f"{counts[row, column]}"
                axes.text(column, row, text, ha="center", va="center", color="white" if dark else "black")
    figure.colorbar(picture, label="share of the label's images", shrink=0.8)
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
        # A dollar in a name begins no formula.
        axes.set_title(title, color=colors[is_right], family=family, fontsize=10, parse_math=False)
        axes.axis("off")
    _save(figure, path)


def _dots(rows: Sequence[Mapping[str, Any]]) -> str:
    return "o" if len(rows) < 3 else ""


def _save(figure: Figure, path: Path) -> None:
    canvas: Any = FigureCanvasAgg(figure)
    with replacing(path) as temporary, warnings.catch_warnings():
        warnings.filterwarnings("ignore", message="Glyph .* missing")  # lettering has said so, once
        canvas.print_figure(temporary, format="png", dpi=DPI)


logger = logging.getLogger(__name__)
PLACEHOLDERS = "Last Resort"  # has a box for every letter that there is
DEFAULT = "DejaVu Sans"  # comes with matplotlib; has Latin, Greek, Cyrillic and more


def font_file(text: str) -> Path:
    """A font file with every letter of ``text``.

    The default one, with a warning, if there is none.
    """
    return Path(_font(frozenset(text)).fname)


def font_family(text: str) -> list[str]:
    """Names of fonts for matplotlib, the first with every letter of ``text``."""
    return list(dict.fromkeys([_font(frozenset(text)).name, DEFAULT]))


def font(text: str, *, size: int) -> ImageFont.FreeTypeFont:
    """A font for Pillow with every letter of ``text``."""
    return ImageFont.truetype(str(font_file(text)), size)


@cache
def _font(letters: frozenset[str]) -> font_manager.FontEntry:
    wanted = {ord(letter) for letter in letters if not letter.isspace()}
    entries = font_manager.fontManager.ttflist
    default = next(
        entry for entry in entries if (entry.name, entry.style, entry.weight) == (DEFAULT, "normal", 400)
    )
    for entry in (default, *_plain(entries)):
        if wanted <= _letters(entry.fname):
            return entry
    missing = "".join(sorted(chr(letter) for letter in wanted - _letters(default.fname)))
    logger.warning(
        "no font here has the letters %s, which will be drawn as boxes; install one, on Debian: "
        "apt-get install fonts-noto-cjk",
        missing[:40],
    )
    return default


def _plain(entries: list[font_manager.FontEntry]) -> list[font_manager.FontEntry]:
    """Upright fonts of ordinary weight first, by name.

    None that has boxes for letters.
    """
    real = [entry for entry in entries if not entry.name.startswith(PLACEHOLDERS)]
    return sorted(real, key=lambda entry: (entry.style != "normal", str(entry.weight) != "400", entry.name))


@cache
def _letters(path: str) -> frozenset[int]:
    try:
        return frozenset(FT2Font(path).get_charmap())
    except (OSError, RuntimeError):  # listed and gone, or damaged
        return frozenset()
