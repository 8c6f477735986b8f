"""Predictions drawn: on copies of the images, and as a picture of all of them."""

import os
from collections.abc import Sequence, Set
from pathlib import Path

from PIL import Image, ImageDraw

from backends.inference.prediction import Prediction
from common import plots
from common.files import NAME_BYTES, replacing, require_folder
from common.plots import font
from common.terminal import printable

RED = (255, 0, 0)
DRAWN_SIDE = 400  # pixels of an image in the grid, which gives it 360
MOST_DRAWN = 150  # images in a grid; a picture of 500 is higher than matplotlib can draw
LEAST_SIDE = 224  # smaller images are enlarged, or nobody could read what is written on them


class Annotator:
    """Writes PNG copies of images with class and probability in red at their top left."""

    def __init__(self, folder: Path, names: Sequence[str]) -> None:
        require_folder(folder)
        self._folder, self._names, self._taken = folder, names, set[str]()

    def add(self, prediction: Prediction) -> None:
        """Write the copy of one image."""
        best = prediction.ranked(self._names, 1)[0]
        image = _enlarged(prediction.image.convert("RGB"))
        text = f"{best['class']} {best['probability']:.3f}"
        size = max(14, min(image.height // 14, int(1.6 * image.width / max(len(text), 1))))
        letters = font(text, size=size)
        ImageDraw.Draw(image).text((size // 3, size // 4), text, fill=RED, font=letters)
        name = _free(prediction.path.stem, taken=self._taken)
        self._taken.add(name)
        with replacing(self._folder / name) as temporary:
            image.save(temporary, format="PNG")


class Grid:
    """A picture of all images with their predictions, as far as they can be looked at.

    Where a folder is named as a class, that is the label.
    """

    def __init__(self, names: Sequence[str]) -> None:
        self._names, self._images, self._titles = names, list[Image.Image](), list[str]()
        self._right: list[bool | None] = []
        self.left_out = 0

    def add(self, prediction: Prediction) -> None:
        """Keep an image as small as it is drawn."""
        if len(self._images) == MOST_DRAWN:
            self.left_out += 1
            return
        best = prediction.ranked(self._names, 1)[0]
        label = prediction.path.absolute().parent.name
        known = label in self._names
        title = f"{best['class']} {best['probability']:.2f}" + (f" (is {label})" if known else "")
        small = prediction.image.copy()
        small.thumbnail((DRAWN_SIDE, DRAWN_SIDE))
        self._images.append(small)
        self._titles.append(printable(title))
        self._right.append(best["class"] == label if known else None)

    def draw(self, path: Path) -> None:
        """Draw what was added, if anything was."""
        if self._images:
            plots.draw_grid(self._images, self._titles, self._right, path)


def _enlarged(image: Image.Image) -> Image.Image:
    factor = -(-LEAST_SIDE // min(image.size))
    if factor == 1:
        return image
    return image.resize((image.width * factor, image.height * factor), Image.Resampling.NEAREST)


def _free(stem: str, *, taken: Set[str]) -> str:
    """The name of a copy, which no other image of this call has, and no longer than file systems take."""
    number, ending = 2, ".png"
    while (name := os.fsdecode(os.fsencode(stem)[: NAME_BYTES - len(ending)]) + ending) in taken:
        ending, number = f"-{number}.png", number + 1
    return name
