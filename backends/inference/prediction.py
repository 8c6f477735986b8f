"""Predictions for image files, one at a time."""

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
from PIL import Image

from backends.inference.classifier import Classifier, probabilities
from common.cli import UsageError
from common.dataset.decoding import DecodeError, decode
from common.dataset.split_names import IMAGE_SUFFIXES
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


def find_images(paths: Sequence[Path]) -> list[Path]:
    """The files that are named, and those in folders that are named, by name."""
    found: list[Path] = []
    for path in paths:
        if path.is_dir():
            inside = [file for file in sorted(path.iterdir()) if file.suffix.lower() in IMAGE_SUFFIXES]
            if not inside:
                raise UsageError(f"{path}: a folder without images; name images or a folder of them")
            found += inside
        else:
            found.append(path)
    return found


def predict(
    paths: Sequence[Path], classifier: Classifier, subject: ModelConfig
) -> tuple[list[Prediction], list[str]]:
    """Classify one image at a time, so that its neighbours do not change a bit.

    Returns the predictions, and a line on each image that could not be decoded.
    """
    predictions, problems = [], []
    preparation = subject.preparation.for_evaluation()
    for path in paths:
        try:
            image = decode(path, channels=3)  # in colour for those who look at it
        except DecodeError as error:
            problems.append(f"{path}: cannot be decoded ({error}); leave it out")
            continue
        seen = image if subject.channels == 3 else image.convert("L")
        logits = classifier.logits(preparation(seen)[np.newaxis])
        predictions.append(Prediction(path=path, image=image, probabilities=probabilities(logits)[0]))
    return predictions, problems
