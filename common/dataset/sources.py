"""Whatever holds labelled images, as an index of each of its splits."""

from collections.abc import Mapping, Sequence
from contextlib import suppress
from dataclasses import replace
from pathlib import Path

import numpy as np

from common.cli import UsageError
from common.dataset import cifar, containers, idx
from common.dataset.image_folder import read_tree
from common.dataset.index import Index
from common.dataset.left_out import logger, named
from common.dataset.list_folder import find_lists, list_candidates, read_lists, split_of
from common.dataset.list_formats import remedy
from common.dataset.list_text import list_lines
from common.dataset.lists import cut
from common.dataset.overlap import require_disjoint
from common.dataset.split_names import WHOLE

SAMPLE = 16  # images of a list that are looked for: all of a million take seconds, and check does it
CIFAR_FOLDERS = ("cifar-10-batches-py", "cifar-10-batches-bin")  # what the published archives unpack to


def read_source(
    source: Path,
    *,
    classes: Sequence[str] = (),
    root: Path | None = None,
    ignore_lists: bool = False,
    form: str | None = None,
) -> dict[str, Index]:
    """The splits of a source: "train", "valid" and "test" as far as it has them, else "all".

    A source is a list; a folder with lists (train.txt, valid.txt, test.txt or all.txt, or train_list.txt,
    val_list.txt and test_list.txt as PaddleClas and PaddleX write them); a folder of idx files or of CIFAR-10
    batches; a tree with one folder per class, divided or not; or the word ``digits`` for scikit-learn's.
    ``classes`` names the labels, and says a tree's order. Who makes lists anew has ``ignore_lists``: those
    that were written from a folder are then not read. Lists in another format than ours need ``form``, one of
    ``list_formats.FORMATS``. What is left out, and classes without an image, are told in warnings.
    Raises UsageError naming the source and what was expected there.
    """
    splits = _read(source, classes=classes, root=root, ignore_lists=ignore_lists, form=form)
    if classes:
        highest = max(int(index.labels.max()) for index in splits.values())
        if highest >= len(classes):
            raise UsageError(f"{source}: {len(classes)} class names for labels up to {highest}")
        splits = {name: replace(index, classes=tuple(classes)) for name, index in splits.items()}
    warn_of_gaps(source, splits)
    return splits


def _read(
    source: Path, *, classes: Sequence[str], root: Path | None, ignore_lists: bool, form: str | None
) -> dict[str, Index]:
    if source.is_file():
        lists = {split_of(source) or WHOLE: source}
        return read_lists(lists, root=root, form=form, classes=classes)
    if str(source) == containers.DIGITS and not source.exists():
        return {WHOLE: _contained(Path(), [containers.DIGITS])}
    if not source.is_dir():
        what = "no regular file or folder" if source.exists() else "no such file or folder"
        raise UsageError(
            f"{source}: {what}; give a list, an image folder, idx or CIFAR files, or the word "
            f"{containers.DIGITS} (built in)"
        )
    return _read_folder(source, classes=classes, root=root, ignore_lists=ignore_lists, form=form)


def _read_folder(
    source: Path, *, classes: Sequence[str], root: Path | None, ignore_lists: bool, form: str | None
) -> dict[str, Index]:
    lists = find_lists(source, anew=ignore_lists and form is None, tables=form == "csv")
    if form is not None and not lists:
        raise UsageError(f"{source}: holds no list (train.txt, val.txt, ...); name the list for --format")
    whole_files = {} if lists and not ignore_lists else _idx_folder(source) or _cifar_folder(source)
    if lists and not whole_files:
        if ignore_lists:
            logger.warning(
                "%s: read from %s, not from its folders", source, named([p.name for p in lists.values()])
            )
        splits = read_lists(lists, root=root, form=form, classes=classes)
        require_disjoint(splits)
        return splits
    return whole_files or _read_tree(source, classes=classes)


def _read_tree(source: Path, *, classes: Sequence[str]) -> dict[str, Index]:
    """A tree's splits, or a refusal where its only class says less than a table of labels beside it."""
    splits = read_tree(source, classes=classes)
    if all(index.labels.max() == index.labels.min() for index in splits.values()):
        for path in list_candidates(source):
            line = ""
            with suppress(UsageError):  # what cannot be read is no list
                line = next((text for _, text in list_lines(path)), "")
            if found := remedy(line, path=path):
                name = path.relative_to(source)
                raise UsageError(f"{source}: all images are of one class, and {name} has labels{found}")
        logger.warning("%s: all images are of one class: whoever says its name is always right", source)
    return splits


def warn_of_missing(splits: Mapping[str, Index]) -> None:
    """Warn of a split of which no image is where its list says, as far as some of them show.

    The images may be on another machine; or the list's folder is not theirs, or a column too many was read.
    """
    for index in splits.values():
        sample = np.unique(np.linspace(0, len(index) - 1, SAMPLE).round().astype(int)).tolist()
        missing = [place for place in sample if not containers.exists(index.locate(place))]
        if len(missing) == len(sample):
            logger.warning(
                "%s: no such image here: %s, nor any of %d that were looked for; --root names their folder",
                *(index.origin(missing[0]), cut(str(index.locate(missing[0]))), len(sample)),
            )


def warn_of_gaps(source: Path, splits: Mapping[str, Index]) -> None:
    """Warn of labels and classes that no image has, or none of a split."""
    index = next(iter(splits.values()))
    size = max(each.num_classes for each in splits.values())
    used = {name: np.bincount(each.labels, minlength=size) > 0 for name, each in splits.items()}
    by_any = np.logical_or.reduce(list(used.values()))
    names = index.classes or tuple(map(str, range(size)))
    if not by_any.all():
        lacking = [names[label] for label in np.flatnonzero(~by_any)]
        anew = "" if index.classes else "; index --format path-label numbers labels anew"
        logger.warning(
            "%s: no image of %d of %d classes: %s%s", source, len(lacking), size, named(lacking), anew
        )
    for name, own in used.items():
        lacking = [names[label] for label in np.flatnonzero(by_any & ~own)]
        if lacking:
            logger.warning("%s: no image in %s of %d classes: %s", source, name, len(lacking), named(lacking))


def _idx_folder(folder: Path) -> dict[str, Index]:
    """MNIST's files, or those of its kin: train-images..., t10k-images..., gzipped or not."""
    splits: dict[str, Index] = {}
    found = (path for path in folder.iterdir() if idx.IMAGES.fullmatch(path.name))
    for path in sorted(found):  # a gzipped file comes after the same without .gz
        match = idx.IMAGES.fullmatch(path.name)
        if match and path.is_file():
            name = "train" if "train" in match["start"] else "test"
            splits.setdefault(name, _contained(folder, [path.name]))
    return splits


def _cifar_folder(folder: Path) -> dict[str, Index]:
    folder = next((folder / name for name in CIFAR_FOLDERS if (folder / name).is_dir()), folder)
    batches: dict[str, list[str]] = {"train": [], "test": []}
    for path in sorted(path for path in folder.iterdir() if cifar.BATCH.fullmatch(path.name)):
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
