"""Predictions for image files, one at a time."""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
from PIL import Image

from backends.inference.classifier import Classifier, probabilities
from common.cli import UsageError
from common.dataset.decoding import DecodeError, decode
from common.dataset.left_out import LeftOut
from common.dataset.split_names import is_hidden, is_image
from common.weights.checkpoint import ModelConfig


@dataclass(frozen=True, kw_only=True)
class Prediction:
    """Prediction for one image: probabilities (classes,), in the order of the classes."""

    path: Path
    image: Image.Image
    probabilities: np.ndarray

    def ranked(self, names: Sequence[str], top: int | None) -> list[dict[str, Any]]:
        """The most probable classes first; equal ones by their number."""
        order = np.argsort(-self.probabilities, kind="stable")[:top]
        return [{"class": names[label], "probability": float(self.probabilities[label])} for label in order]


@dataclass(frozen=True, kw_only=True)
class Undecoded:
    """An image that could not be decoded, and why."""

    path: Path
    reason: str

    def __str__(self) -> str:
        return f"{self.path}: cannot be decoded ({self.reason}); leave it out"


def find_images(paths: Sequence[Path]) -> list[Path]:
    """The files that are named, and those in folders that are named, by name.

    What a folder holds beside its images is told in a warning.
    """
    found: list[Path] = []
    for path in paths:
        inside = _inside(path) if path.is_dir() else [path]
        if not inside:
            raise UsageError(f"{path}: a folder without images; name images or a folder of them")
        found += inside
    return found


def _inside(folder: Path) -> list[Path]:
    left_out, images = LeftOut(), []
    for file in sorted(folder.iterdir()):
        if is_hidden(file.name):
            left_out.add("hidden or system names", file.name)
        elif file.is_dir():
            left_out.add("folders", file.name)
        elif is_image(file.name):
            images.append(file)
        else:
            left_out.add_file(file.name, labelled=True)
    left_out.log(folder)
    return images


def predict(
    paths: Sequence[Path], classifier: Classifier, subject: ModelConfig
) -> Iterator[Prediction | Undecoded]:
    """Classify one image at a time, so that its neighbours do not change a bit, nor are kept in memory."""
    preparation = subject.preparation.for_evaluation()
    for path in paths:
        try:
            image = decode(path, channels=3)  # in colour for those who look at it
        except DecodeError as error:
            yield Undecoded(path=path, reason=str(error))
            continue
        seen = image if subject.channels == 3 else image.convert("L")
        logits = classifier.logits(preparation(seen)[np.newaxis])
        yield Prediction(path=path, image=image, probabilities=probabilities(logits)[0])
