"""Labelled images as a checkpoint numbers their classes, and a picture of what it says of some."""

from collections.abc import Mapping, Sequence
from dataclasses import replace
from pathlib import Path

import numpy as np

from backends.inference.classifier import Classifier
from backends.inference.flags import GRID, SPLITS
from common.cli import UsageError
from common.dataset.index import Index
from common.plots import draw_grid
from common.weights.checkpoint import ModelConfig


def labelled(
    splits: Mapping[str, Index], subject: ModelConfig, *, data: Path, wanted: str | None
) -> tuple[str, Index]:
    """(name, images) of a split, labelled as the checkpoint numbers its classes.

    ``data`` is where the splits are from, for errors. Raises UsageError.
    """
    wanted = wanted or next(name for name in SPLITS if name in splits)
    if wanted not in splits:
        raise UsageError(f"{data}: has no split {wanted}, only {', '.join(splits)}; choose one with --split")
    index = splits[wanted]
    if subject.classes and index.classes and index.classes != subject.classes:
        return wanted, _renumbered(index, subject.classes)
    highest = int(index.labels.max())
    if highest >= subject.num_classes:
        raise UsageError(f"{data}: has labels up to {highest}, the checkpoint {subject.num_classes} classes")
    return wanted, index


def _renumbered(index: Index, classes: tuple[str, ...]) -> Index:
    """The same images with the checkpoint's numbers for their classes, by name."""
    assert index.classes is not None
    used = sorted({index.classes[label] for label in index.labels})
    unknown = [name for name in used if name not in classes]
    if unknown:
        raise UsageError(
            f"{index.source}: has the classes {', '.join(unknown)}, the checkpoint only {', '.join(classes)}"
        )
    numbers = np.array([classes.index(name) if name in classes else -1 for name in index.classes])
    return replace(index, labels=numbers[index.labels], classes=classes)


def draw_examples(
    index: Index, classifier: Classifier, subject: ModelConfig, names: Sequence[str], path: Path
) -> None:
    """Predictions against labels for images drawn with a fixed seed."""
    chosen = np.sort(np.random.default_rng(0).permutation(len(index))[:GRID])
    preparation = subject.preparation.for_evaluation()
    images = [index.decode(int(place), channels=subject.channels) for place in chosen]
    guesses = classifier.logits(np.stack([preparation(image) for image in images])).argmax(axis=1)
    labels = index.labels[chosen]
    titles = [f"{names[guess]} (is {names[label]})" for guess, label in zip(guesses, labels, strict=True)]
    draw_grid(images, titles, (guesses == labels).tolist(), path)
