"""Predictions drawn: on copies of the images, and as a picture of all of them."""

from collections.abc import Sequence
from pathlib import Path

from PIL import Image, ImageDraw

from backends.inference.prediction import Prediction
from common import plots
from common.cli import UsageError
from common.files import replacing
from common.plots import font

RED = (255, 0, 0)
LEAST_SIDE = 224  # smaller images are enlarged, or nobody could read what is written on them


def annotate(predictions: Sequence[Prediction], names: Sequence[str], folder: Path) -> list[Path]:
    """Write a PNG copy of each image with class and probability in red at its top left."""
    try:
        folder.mkdir(parents=True, exist_ok=True)
    except OSError as error:
        raise UsageError(f"{folder}: cannot create this folder ({error.strerror}); name another") from None
    written: list[Path] = []
    for prediction in predictions:
        best = prediction.ranked(names, 1)[0]
        image = _enlarged(prediction.image.convert("RGB"))
        text = f"{best['class']} {best['probability']:.3f}"
        size = max(14, min(image.height // 14, int(1.6 * image.width / max(len(text), 1))))
        letters = font(text, size=size)
        ImageDraw.Draw(image).text((size // 3, size // 4), text, fill=RED, font=letters)
        target = _free(folder, prediction.path.stem, taken=written)
        with replacing(target) as temporary:
            image.save(temporary, format="PNG")
        written.append(target)
    return written


def draw_grid(predictions: Sequence[Prediction], names: Sequence[str], path: Path) -> None:
    """All images with their predictions.

    Where a folder is named as a class, that is the label.
    """
    titles: list[str] = []
    right: list[bool | None] = []
    for prediction in predictions:
        best = prediction.ranked(names, 1)[0]
        label = prediction.path.absolute().parent.name
        known = label in names
        titles.append(f"{best['class']} {best['probability']:.2f}" + (f" (is {label})" if known else ""))
        right.append(best["class"] == label if known else None)
    plots.draw_grid([prediction.image for prediction in predictions], titles, right, path)


def _enlarged(image: Image.Image) -> Image.Image:
    factor = -(-LEAST_SIDE // min(image.size))
    if factor == 1:
        return image
    return image.resize((image.width * factor, image.height * factor), Image.Resampling.NEAREST)


def _free(folder: Path, stem: str, *, taken: Sequence[Path]) -> Path:
    """A name in the folder that no other image of this call has."""
    target, number = folder / f"{stem}.png", 2
    while target in taken:
        target, number = folder / f"{stem}-{number}.png", number + 1
    return target
