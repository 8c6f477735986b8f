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
    """Prediction for one image: probabilities and logits (classes,), in the order of the classes."""

    path: Path
    image: Image.Image
    probabilities: np.ndarray
    logits: np.ndarray

    def ranked(self, names: Sequence[str], top: int | None) -> list[dict[str, Any]]:
        """The most probable classes first; equal ones by their number."""
        order = np.argsort(-self.probabilities, kind="stable")[:top]
        return [{"class": names[label], "probability": float(self.probabilities[label])} for label in order]


@dataclass(frozen=True, kw_only=True)
class Unclassified:
    """An image without a prediction, and why."""

    path: Path
    reason: str

    def __str__(self) -> str:
        return f"{self.path}: {self.reason}; leave it out"


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
) -> Iterator[Prediction | Unclassified]:
    """Classify one image at a time, so that its neighbours do not change a bit, nor are kept in memory."""
    preparation = subject.preparation.for_evaluation()
    for path in paths:
        try:
            image = decode(path, channels=3)  # in colour for those who look at it
        except DecodeError as error:
            yield Unclassified(path=path, reason=f"cannot be decoded ({error})")
            continue
        seen = image if subject.channels == 3 else image.convert("L")
        logits = classifier.logits(preparation(seen)[np.newaxis])
        if not np.isfinite(logits).all():  # as JSON has no word for it
            yield Unclassified(path=path, reason="the model's output for it is not finite")
            continue
        yield Prediction(path=path, image=image, probabilities=probabilities(logits)[0], logits=logits[0])
