"""Labelled images as a checkpoint numbers their classes, and a picture of what it says of some."""

from collections.abc import Iterable, Iterator, Mapping, Sequence
from contextlib import suppress
from dataclasses import replace
from itertools import islice
from pathlib import Path

import numpy as np
from PIL import Image

from backends.inference.classifier import Classifier
from backends.inference.flags import GRID, SPLITS
from common.cli import UsageError
from common.dataset.decoding import DecodeError
from common.dataset.index import Index
from common.dataset.left_out import named
from common.plots import draw_grid
from common.terminal import printable
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
    if not subject.classes and index.classes and len(index.classes) != subject.num_classes:
        index = _numbered_by_name(index, subject.num_classes)
    highest = int(index.labels.max())
    if highest >= subject.num_classes:
        raise UsageError(f"{data}: has labels up to {highest}, the checkpoint {subject.num_classes} classes")
    return wanted, index


def class_names(subject: ModelConfig, index: Index) -> tuple[str, ...]:
    """A name for each class of a checkpoint: its own, else those of the images, else numbers."""
    own = subject.classes or index.classes
    return own if own and len(own) == subject.num_classes else tuple(map(str, range(subject.num_classes)))


def _numbered_by_name(index: Index, num_classes: int) -> Index:
    """The same images, whose classes are called by the checkpoint's numbers.

    Raises UsageError for other names: a folder's place in the alphabet is no number of another model's class.
    """
    assert index.classes is not None
    numbers = [int(name) if name.isdecimal() and len(name) < 7 else num_classes for name in index.classes]
    if max(numbers) >= num_classes:
        raise UsageError(
            f"{index.source}: has {len(index.classes)} classes ({named(index.classes)}), the checkpoint "
            f"{num_classes} without names, so which is which is not known; give a list with its labels"
        )
    return replace(index, labels=np.array(numbers)[index.labels], classes=None)


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
    """Predictions against labels for images drawn with a fixed seed, of those that can be decoded."""
    drawn = (int(place) for place in np.random.default_rng(0).permutation(len(index)))
    images = dict(islice(_decoded(index, drawn, channels=subject.channels), GRID))
    chosen = sorted(images)
    preparation = subject.preparation.for_evaluation()
    guesses = classifier.logits(np.stack([preparation(images[place]) for place in chosen])).argmax(axis=1)
    labels = index.labels[chosen]
    titles = [
        printable(f"{names[guess]} (is {names[label]})") for guess, label in zip(guesses, labels, strict=True)
    ]
    draw_grid([images[place] for place in chosen], titles, (guesses == labels).tolist(), path)


def _decoded(index: Index, places: Iterable[int], *, channels: int) -> Iterator[tuple[int, Image.Image]]:
    for place in places:
        with suppress(DecodeError):
            yield place, index.decode(place, channels=channels)
