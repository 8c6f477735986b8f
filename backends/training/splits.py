"""The data of a run: train, valid and test splits of whatever holds labelled images."""

import logging
import zlib
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import numpy as np

from common.cli import UsageError
from common.dataset import containers
from common.dataset.containers import DIGITS
from common.dataset.index import Index, require_images
from common.dataset.sources import read_source
from common.dataset.split_names import WHOLE
from common.dataset.splitting import complete
from common.training.recipes import Recipe

Splits = Mapping[str, Index]
LOOKED_FOR = 100  # images of a split: looking for a million takes seconds

logger = logging.getLogger(__name__)


def read_data(recipe: Recipe, path: Path | None, *, strict: bool) -> Splits:
    """The splits of a recipe's data as they are found, looked at without a framework.

    Raises UsageError for what cannot be trained on: with ``strict`` one missing image, else all of them.
    """
    if path is None and recipe.name != DIGITS:
        raise UsageError(f"recipe {recipe.name} needs --data PATH: a list, a folder of lists, a tree, ...")
    splits = read_source(path or Path(DIGITS))
    counts = {name: index.num_classes for name, index in splits.items()}
    learnt = counts.get("train", counts.get(WHOLE, 0))
    if learnt and max(counts.values()) > learnt:
        raise UsageError(f"{path}: train has {learnt} classes, another split has more: {counts}")
    if learnt == 1:
        raise UsageError(f"{path}: all training images are of one class, so there is nothing to tell apart")
    for index in splits.values():
        if strict:
            require_images(index)
        require_some_images(index)
    return splits


def require_some_images(index: Index) -> None:
    """Raise UsageError if none of some images across an index exists, as where a list lacks its --root."""
    some = index.subset(np.unique(np.linspace(0, len(index) - 1, LOOKED_FOR).astype(int)).tolist())
    if not any(containers.exists(some.locate(place)) for place in range(len(some))):
        require_images(index)


def divided(recipe: Recipe, splits: Splits) -> dict[str, Index]:
    """Train, valid and test splits as a recipe wants them.

    A limit of training images holds for the others in proportion.
    """
    fractions = {"valid": recipe.valid_fraction, "test": recipe.test_fraction}
    parts = complete(splits, fractions=fractions, seed=0)
    whole = len(parts["train"])
    if not recipe.limit or recipe.limit >= whole:
        return parts
    limits = {name: max(round(len(index) * recipe.limit / whole), 1) for name, index in parts.items()}
    return {name: index.subset(_first(index, limits[name])) for name, index in parts.items()}


def as_trained(splits: Splits, run: Mapping[str, Any]) -> Splits:
    """With the splits that a run made of these data.

    Those of other data stay as they are, with a warning. ``run`` is the state that the run saved. Without
    this a model would be judged by what it has learnt.
    """
    if not {WHOLE, "train"} & set(splits):
        return splits
    own = divided(Recipe.from_json(run["recipe"]), splits)
    if fingerprint(own) == run["data"]:
        return {**splits, **own}
    now, then = (
        ", ".join(f"{name} {count}" for name, (count, _) in parts.items())
        for parts in (fingerprint(own), run["data"])
    )
    logger.warning(
        "%s: these are not the data of the run as they were (%s images then, %s now), so they are not "
        "divided as the run did: images that it was trained on may be among those it is judged by",
        *(next(iter(splits.values())).source, then, now),
    )
    return splits


def class_names(splits: Splits) -> tuple[str, ...]:
    """A name for each label."""
    train = splits["train"]
    return train.classes or tuple(str(label) for label in range(train.num_classes))


def fingerprint(splits: Splits) -> dict[str, Any]:
    """Fingerprint of a run's data, for resuming: counts and labels."""
    return {
        name: [len(index), zlib.crc32(np.ascontiguousarray(index.labels).tobytes())]
        for name, index in sorted(splits.items())
    }


def _first(index: Index, limit: int) -> list[int]:
    """The first images, or the first of each class if these lack a class.

    Lists that are sorted by class lack some at first.
    """
    if len(set(index.labels[:limit].tolist())) == len(set(index.labels.tolist())):
        return list(range(min(limit, len(index))))
    turns = np.zeros(len(index), dtype=np.int64)
    for label in set(index.labels.tolist()):
        members = np.flatnonzero(index.labels == label)
        turns[members] = np.arange(len(members))
    return sorted(np.argsort(turns, kind="stable")[:limit].tolist())
