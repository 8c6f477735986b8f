"""Splits taken from what is not divided: stratified, and decided by names and seed alone."""

import zlib
from collections.abc import Mapping

import numpy as np

from common.cli import UsageError
from common.dataset.index import Index
from common.dataset.left_out import logger
from common.dataset.overlap import without_repeats
from common.dataset.split_names import WHOLE


def split(index: Index, *, fractions: Mapping[str, float], seed: int = 0) -> dict[str, Index]:
    """Divide into "train" and the splits that ``fractions`` names.

    Splits without an image are left out. Which image goes where depends on the seed and on the names of its
    class's images alone, not on their order or on other classes. Raises UsageError for fractions that leave
    no rest.
    """
    _require_rest(fractions)
    chosen: dict[str, list[int]] = {"train": [], **{name: [] for name in fractions}}
    by_label = np.argsort(index.labels, kind="stable")
    for members in np.split(by_label, np.flatnonzero(np.diff(index.labels[by_label])) + 1):
        label = int(index.labels[members[0]])
        name = index.classes[label] if index.classes and label < len(index.classes) else str(label)
        names_in_order = sorted(members.tolist(), key=lambda position: index.paths[position])
        order = np.random.default_rng((seed, zlib.crc32(name.encode()))).permutation(len(members))
        start = 0
        for name, fraction in fractions.items():
            end = start + int(len(members) * fraction + 1e-9)
            chosen[name] += [names_in_order[place] for place in order[start:end]]
            start = end
        chosen["train"] += [names_in_order[place] for place in order[start:]]
    return {name: index.subset(sorted(positions)) for name, positions in chosen.items() if positions}


def _require_rest(fractions: Mapping[str, float]) -> None:
    if any(not 0 <= fraction < 1 for fraction in fractions.values()) or sum(fractions.values()) >= 1:
        given = " + ".join(f"{name} {fraction:g}" for name, fraction in fractions.items())
        raise UsageError(
            f"{given} leave nothing to train on: each must be from 0 to below 1, their sum below 1"
        )


def complete(
    splits: Mapping[str, Index], *, fractions: Mapping[str, float], seed: int = 0
) -> dict[str, Index]:
    """Train, valid and test splits: those that a source has, the missing ones taken from its training split.

    An image that is named twice would land in two of them: each counts once. A split for which nothing is
    left is missing, with a warning. Raises UsageError where a source is a test or validation set and nothing
    else, or an image has two labels.
    """
    _require_rest(fractions)
    base = splits.get(WHOLE) or splits.get("train")
    if base is None:
        raise UsageError(f"{next(iter(splits.values())).source}: has no training split, only {list(splits)}")
    missing = {name: fraction for name, fraction in fractions.items() if name not in splits and fraction}
    divided = split(without_repeats(base) if missing else base, fractions=missing, seed=seed)
    for name in missing.keys() - divided.keys():
        most = int(np.bincount(base.labels).max())
        logger.warning(
            "%s: there is no %s split, since %g of a class leaves no image: the largest has %d",
            *(base.source, name, missing[name], most),
        )
    given = {name: index for name, index in splits.items() if name not in (WHOLE, "train")}
    return {name: index for name in ("train", "valid", "test") if (index := (divided | given).get(name))}


def without_image(splits: Mapping[str, Index], fractions: Mapping[str, float]) -> list[str]:
    """The splits that were asked for, and for which no image is left."""
    return [name for name, fraction in fractions.items() if fraction and name not in splits]
