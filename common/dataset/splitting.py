"""Dividing an index: so much of each class, by names and seed alone, and nothing is copied."""

import zlib
from collections.abc import Mapping

import numpy as np

from common.cli import UsageError
from common.dataset.image_folder import WHOLE
from common.dataset.index import Index


def split(index: Index, *, fractions: Mapping[str, float], seed: int = 0) -> dict[str, Index]:
    """Divide into "train" and the parts that ``fractions`` names; parts without an image are left out.

    Which image goes where depends on the seed and on the names of its class's images alone, not on
    their order or on other classes. Raises UsageError for fractions that leave no rest.
    """
    if any(not 0 <= fraction < 1 for fraction in fractions.values()) or sum(fractions.values()) >= 1:
        raise UsageError(f"--valid and --test must be fractions that leave a rest, got {dict(fractions)}")
    chosen: dict[str, list[int]] = {"train": [], **{part: [] for part in fractions}}
    by_label = np.argsort(index.labels, kind="stable")
    for members in np.split(by_label, np.flatnonzero(np.diff(index.labels[by_label])) + 1):
        label = int(index.labels[members[0]])
        name = index.classes[label] if index.classes and label < len(index.classes) else str(label)
        names_in_order = sorted(members.tolist(), key=lambda position: index.paths[position])
        order = np.random.default_rng((seed, zlib.crc32(name.encode()))).permutation(len(members))
        start = 0
        for part, fraction in fractions.items():
            end = start + int(len(members) * fraction + 1e-9)
            chosen[part] += [names_in_order[place] for place in order[start:end]]
            start = end
        chosen["train"] += [names_in_order[place] for place in order[start:]]
    return {part: index.subset(sorted(positions)) for part, positions in chosen.items() if positions}


def complete(
    parts: Mapping[str, Index], *, fractions: Mapping[str, float], seed: int = 0
) -> dict[str, Index]:
    """Train, valid and test parts: those that a source has, the missing ones taken from its training part.

    Raises UsageError where a source is a test or validation set and nothing else.
    """
    base = parts.get(WHOLE) or parts.get("train")
    if base is None:
        raise UsageError(f"{next(iter(parts.values())).source}: has no training part, only {list(parts)}")
    missing = {part: fraction for part, fraction in fractions.items() if part not in parts and fraction}
    divided = split(base, fractions=missing, seed=seed)
    given = {part: index for part, index in parts.items() if part not in (WHOLE, "train")}
    return {part: index for part in ("train", "valid", "test") if (index := (divided | given).get(part))}
