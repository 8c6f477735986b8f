"""Whatever holds labelled images, as an index of each of its splits."""

import zlib
from collections.abc import Mapping, Sequence
from dataclasses import replace
from pathlib import Path

import numpy as np

from common.cli import UsageError
from common.dataset import cifar, containers, idx
from common.dataset.image_folder import SPLITS, WHOLE, read_tree
from common.dataset.index import Index
from common.dataset.lists import read_list

CIFAR_FOLDERS = ("cifar-10-batches-py", "cifar-10-batches-bin")  # what the published archives unpack to


def read_source(
    source: Path, *, classes: Sequence[str] = (), root: Path | None = None, ignore_lists: bool = False
) -> dict[str, Index]:
    """The splits of a source: "train", "valid" and "test" as far as it has them, else "all".

    A source is a list; a folder with lists train.txt, valid.txt, test.txt or all.txt; a folder of idx
    files or of CIFAR-10 batches; a tree with one folder per class, divided or not; or the word
    ``digits`` for those of scikit-learn. ``classes`` names the labels, and says a tree's order. Who makes
    lists anew has ``ignore_lists``: those that lie in a folder are then not read.
    Raises UsageError naming the source and what was expected there.
    """
    splits = _read(source, classes=classes, root=root, ignore_lists=ignore_lists)
    if not classes:
        return splits
    highest = max(int(index.labels.max()) for index in splits.values())
    if highest >= len(classes):
        raise UsageError(f"{source}: {len(classes)} class names for labels up to {highest}")
    return {name: replace(index, classes=tuple(classes)) for name, index in splits.items()}


def _read(source: Path, *, classes: Sequence[str], root: Path | None, ignore_lists: bool) -> dict[str, Index]:
    if source.is_file():
        return {SPLITS.get(source.stem, WHOLE): read_list(source, root=root)}
    if str(source) == containers.DIGITS and not source.exists():
        return {WHOLE: _contained(Path(), [containers.DIGITS])}
    if not source.is_dir():
        raise UsageError(
            f"{source}: no such file or folder; give a list, an image folder, idx or CIFAR files, or the "
            f"word {containers.DIGITS} (built in)"
        )
    found = {} if ignore_lists else _lists_in(source, root=root)
    return found or _idx_folder(source) or _cifar_folder(source) or read_tree(source, classes=classes)


def _lists_in(folder: Path, *, root: Path | None) -> dict[str, Index]:
    lists = {name: folder / f"{name}.txt" for name in ("train", "valid", "test", WHOLE)}
    found = {name: read_list(path, root=root) for name, path in lists.items() if path.is_file()}
    if len(found) > 1:
        found.pop(WHOLE, None)  # it holds the others' images once more
    return found


def _idx_folder(folder: Path) -> dict[str, Index]:
    """MNIST's files, or those of its kin: train-images..., t10k-images..., gzipped or not."""
    splits: dict[str, Index] = {}
    for path in sorted(folder.iterdir()):  # a gzipped file comes after the same without .gz
        match = idx.IMAGES.fullmatch(path.name)
        if match and path.is_file():
            name = "train" if "train" in match["start"] else "test"
            splits.setdefault(name, _contained(folder, [path.name]))
    return splits


def _cifar_folder(folder: Path) -> dict[str, Index]:
    folder = next((folder / name for name in CIFAR_FOLDERS if (folder / name).is_dir()), folder)
    batches: dict[str, list[str]] = {"train": [], "test": []}
    for path in sorted(folder.iterdir()):
        match = cifar.BATCH.fullmatch(path.name)
        if match and path.is_file():
            batches["test" if match["part"] == "test_batch" else "train"].append(path.name)
    return {
        name: replace(_contained(folder, files), classes=cifar.CLASSES)
        for name, files in batches.items()
        if files
    }


def _contained(folder: Path, names: Sequence[str]) -> Index:
    """Every image of some containers."""
    labels = [containers.read_container(folder / name)[1] for name in names]
    together = np.concatenate(labels)
    return Index(
        source=folder / names[0] if len(names) == 1 else folder,
        root=folder,
        paths=[
            f"{name}#{number}" for name, own in zip(names, labels, strict=True) for number in range(len(own))
        ],
        labels=together,
        classes=tuple(str(label) for label in range(int(together.max()) + 1)),
    )


def split(index: Index, *, fractions: Mapping[str, float], seed: int = 0) -> dict[str, Index]:
    """Divide into "train" and the splits that ``fractions`` names.

    Splits without an image are left out. Which image goes where depends on the seed and on the names of its
    class's images alone, not on their order or on other classes. Raises UsageError for fractions that leave
    no rest.
    """
    if any(not 0 <= fraction < 1 for fraction in fractions.values()) or sum(fractions.values()) >= 1:
        given = " + ".join(f"{name} {fraction:g}" for name, fraction in fractions.items())
        raise UsageError(
            f"{given} leave nothing to train on: each must be from 0 to below 1, their sum below 1"
        )
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


def complete(
    splits: Mapping[str, Index], *, fractions: Mapping[str, float], seed: int = 0
) -> dict[str, Index]:
    """Train, valid and test splits: those that a source has, the missing ones taken from its training split.

    Raises UsageError where a source is a test or validation set and nothing else.
    """
    base = splits.get(WHOLE) or splits.get("train")
    if base is None:
        raise UsageError(f"{next(iter(splits.values())).source}: has no training split, only {list(splits)}")
    missing = {name: fraction for name, fraction in fractions.items() if name not in splits and fraction}
    divided = split(base, fractions=missing, seed=seed)
    given = {name: index for name, index in splits.items() if name not in (WHOLE, "train")}
    return {name: index for name in ("train", "valid", "test") if (index := (divided | given).get(name))}
