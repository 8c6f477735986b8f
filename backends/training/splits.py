"""The data of a run: train, valid and test splits of whatever holds labelled images."""

import logging
import zlib
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import numpy as np

from common.cli import UsageError
from common.dataset.containers import DIGITS
from common.dataset.image_folder import WHOLE
from common.dataset.index import Index
from common.dataset.sources import complete, read_source
from common.training.recipes import Recipe

Splits = Mapping[str, Index]
logger = logging.getLogger(__name__)


def open_data(recipe: Recipe, path: Path | None) -> Splits:
    """The splits of a recipe's data.

    Raises UsageError for what cannot be trained on.
    """
    if path is None and recipe.name != DIGITS:
        raise UsageError(f"recipe {recipe.name} needs --data PATH: a list, a folder of lists, a tree, ...")
    splits = _divided(recipe, read_source(path or Path(DIGITS)))
    counts = {name: index.num_classes for name, index in splits.items()}
    if max(counts.values()) > counts["train"]:
        raise UsageError(f"{path}: train has {counts['train']} classes, another split has more: {counts}")
    return splits


def as_trained(splits: Splits, run: Mapping[str, Any]) -> Splits:
    """With the splits that a run made of these data.

    Those of other data stay as they are. ``run`` is the state that the run saved. Without this a model would
    be judged by what it has learnt.
    """
    if not {WHOLE, "train"} & set(splits):
        return splits
    own = _divided(Recipe.from_json(run["recipe"]), splits)
    if fingerprint(own) == run["data"]:
        return {**splits, **own}
    logger.warning(
        "these are not the images that the run was trained on (it had %s): none are left out as learnt from",
        ", ".join(f"{count:,} {name}" for name, (count, _) in run["data"].items()),
    )
    return splits


def _divided(recipe: Recipe, splits: Splits) -> dict[str, Index]:
    """Train, valid and test splits as a recipe wants them."""
    fractions = {"valid": recipe.valid_fraction, "test": recipe.test_fraction}
    divided = complete(splits, fractions=fractions, seed=0)
    if recipe.limit:
        divided["train"] = divided["train"].subset(_first(divided["train"], recipe.limit))
    return divided


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
