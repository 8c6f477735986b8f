"""Folder trees with one folder per class."""

import os
from collections.abc import Iterable, Iterator, Mapping, Sequence
from pathlib import Path

import numpy as np

from common.cli import UsageError
from common.dataset.index import Index
from common.dataset.left_out import LeftOut, named
from common.dataset.split_names import WHOLE, is_hidden, is_image, is_text, split_meant, split_named

Tree = Mapping[str, Sequence[str]]  # class: its images, relative to the root, sorted


def read_tree(root: Path, *, classes: Sequence[str] = ()) -> dict[str, Index]:
    """The images of ROOT/CLASS/**/images, or of ROOT/{train,valid,test}/CLASS/**/images.

    Subfolders of a class belong to it, as in torchvision's ImageFolder. Names of splits are those of
    ``split_names``, in any case. Class order is ``classes``, else sorted by name: never the file system's.
    Hidden and system names, other files and empty classes are left out and told in one warning. Raises
    UsageError for layouts that could be read in two ways.
    """
    left_out = LeftOut()
    folders = _splits_of(root, left_out)
    found: dict[str, Tree] = {
        split: _classes_below(root, folder, left_out=left_out, wanted=classes)
        for split, folder in folders.items()
    }
    together = sorted({name for tree in found.values() for name in tree})
    unlisted = set(together) - set(classes)
    if classes and unlisted:
        raise UsageError(f"{root}: the folders {sorted(unlisted)} are not among the classes {list(classes)}")
    if not classes:
        for split, tree in found.items():
            _require_no_splits(root, folders[split], tree)
            _require_other_names(root, folders[split], tree)
        _require_common_classes(root, folders, found)
    left_out.log(root)
    if not together:
        raise UsageError(f"{root}: no class folders with images; expected {root}/CLASS/image files")
    splits = {split: tree for split, tree in found.items() if tree}
    names = list(classes) or together
    return {
        split: _index(tree, names=names, source=root / folders[split], root=root)
        for split, tree in splits.items()
    }


def _splits_of(root: Path, left_out: LeftOut) -> dict[str, str]:
    """The folders of splits by name; "" of the root itself where it is not divided."""
    folders = [entry.name for entry in _entries(root, LeftOut()) if entry.is_dir()]
    candidates = [name for name in folders if split_named(name)]
    splits: dict[str, str] = {}
    for name in (name for name in candidates if _holds_classes(root / name)):
        split = split_named(name)
        assert split is not None
        if split in splits:
            raise UsageError(f"{root}: {splits[split]} and {name} are both {split}; remove or rename one")
        splits[split] = name
    others = [name for name in folders if name not in splits.values()]
    with_images = [name for name in others if _holds_images(root / name)]
    if not splits and not (with_images and set(with_images) <= set(candidates)):
        return {WHOLE: ""}
    # Folders named after splits: with images right in them there are no labels, unless they are classes.
    if unlabelled := [name for name in with_images if name in candidates]:
        raise UsageError(
            f"{root / unlabelled[0]}: holds images and no class folders; expected "
            f"{root / unlabelled[0]}/CLASS/image files, or a list of the images and their labels"
        )
    if len(splits) == 1 and with_images:
        raise UsageError(
            f"{root}: {next(iter(splits.values()))} could be a split, and {named(with_images)} classes; "
            f"rename the one, or move the others away"
        )
    _count_beside(root, splits.values(), left_out)
    return splits


def _count_beside(root: Path, splits: Iterable[str], left_out: LeftOut) -> None:
    for entry in _entries(root, left_out):
        if entry.is_dir() and entry.name not in splits:
            left_out.add("folders beside the splits", entry.name)
        elif not entry.is_dir():
            left_out.add_file(entry.name, labelled=False)


def _classes_below(root: Path, folder: str, *, left_out: LeftOut, wanted: Sequence[str]) -> Tree:
    tree: dict[str, Sequence[str]] = {}
    for entry in _entries(root / folder, left_out):
        if entry.is_dir():
            name = f"{folder}/{entry.name}" if folder else entry.name
            images = list(_images_below(entry.path, name, left_out, ancestors=(_identity(entry.path),)))
            if images:
                tree[entry.name] = images
            else:
                left_out.add("folders without images", entry.name)
        else:
            left_out.add_file(entry.name, labelled=False)
    if len(tree) == 1:
        _require_a_class(root / folder / next(iter(tree)))
    return tree


def _require_no_splits(root: Path, folder: str, tree: Tree) -> None:
    """Raise UsageError if the folders that would be classes hold the same folders of images.

    So do splits under names that are not known here: train_images, seg_test, fold1.
    """
    inner = []
    for name, images in tree.items():
        holders = {image.rpartition("/")[0] for image in images}
        if (f"{folder}/{name}" if folder else name) in holders:
            return  # a class that has images of its own
        inner.append({holder.rpartition("/")[2] for holder in holders})
    shared = sorted(set.intersection(*inner)) if len(inner) > 1 else []
    if len(shared) > 1:
        raise UsageError(
            f"{root / folder}: {named(list(tree))} all hold the folders {named(shared)}; {_remedy(root)}"
        )


def _require_other_names(root: Path, folder: str, tree: Tree) -> None:
    """Raise UsageError if the folders that would be classes are named like splits: trainA, testA."""
    meant = {split_meant(name) for name in tree} - {None}
    if "train" in meant and len(meant) > 1:
        raise UsageError(f"{root / folder}: {named(list(tree))} are named like splits; {_remedy(root)}")


def _remedy(root: Path) -> str:
    return (
        f"if they are splits, rename them to train, valid and test, each with a folder per class; if they "
        f"are classes, make lists with: python -m common.dataset index {root} --output DIR "
        f"--classes NAME,NAME,..."
    )


def _require_common_classes(root: Path, folders: Mapping[str, str], found: Mapping[str, Tree]) -> None:
    """Raise UsageError for a split with none of the classes that are trained on, as val/images is."""
    trained = list(found.get("train", ()))
    for split, tree in found.items() if trained else ():
        if tree and not set(tree) & set(trained):
            raise UsageError(
                f"{root / folders[split]}: its folders ({named(list(tree))}) are none of the classes in "
                f"{folders['train']} ({named(trained)}); sort its images into a folder per class, or write a "
                f"list of them"
            )


def _require_a_class(folder: Path) -> None:
    """Raise UsageError if a tree's only class looks like the tree itself."""
    below = [entry.name for entry in _entries(folder, LeftOut()) if entry.is_dir()]
    while len(below) == 1 and not split_named(below[0]) and not _holds_images(folder):
        folder /= below[0]
        below = [entry.name for entry in _entries(folder, LeftOut()) if entry.is_dir()]
    if not _holds_images(folder) and (len(below) > 1 or any(split_named(name) for name in below)):
        raise UsageError(
            f"{folder.parent}: its only folder with images is {folder.name}, which holds {named(below)}; "
            f"give {folder}"
        )


def _images_below(
    folder: str, prefix: str, left_out: LeftOut, *, ancestors: tuple[tuple[int, int], ...]
) -> Iterator[str]:
    for entry in _entries(folder, left_out):
        if not entry.is_dir():
            if is_image(entry.name):
                yield f"{prefix}/{entry.name}"
            left_out.add_file(entry.name, labelled=True)
        elif (identity := _identity(entry.path)) in ancestors:
            left_out.add("links to a folder above", entry.name)
        else:
            below = f"{prefix}/{entry.name}"
            yield from _images_below(entry.path, below, left_out, ancestors=(*ancestors, identity))


def _entries(folder: str | Path, left_out: LeftOut) -> list["os.DirEntry[str]"]:
    """A folder's files and folders by name, without those that nobody means. Raises UsageError."""
    try:
        with os.scandir(folder) as found:
            entries = sorted(found, key=lambda entry: entry.name)
    except OSError as error:
        raise UsageError(f"{folder}: cannot be read ({error.strerror})") from None
    for entry in entries:
        if is_hidden(entry.name):
            left_out.add("hidden or system names", entry.name)
        elif not is_text(entry.name):
            raise UsageError(
                f"{entry.path}: this name is no UTF-8, perhaps GBK: rename it and its like, on Linux with: "
                f"convmv -f gbk -t utf-8 -r --notest {folder}"
            )
    return [entry for entry in entries if not is_hidden(entry.name)]


def _holds_images(folder: Path) -> bool:
    return any(is_image(entry.name) and not entry.is_dir() for entry in _entries(folder, LeftOut()))


def _holds_classes(folder: Path) -> bool:
    below = (entry.path for entry in _entries(folder, LeftOut()) if entry.is_dir())
    return any(next(_images_below(path, "", LeftOut(), ancestors=(_identity(path),)), None) for path in below)


def _identity(path: str) -> tuple[int, int]:
    facts = os.stat(path)  # noqa: PTH116 (entries are text: a Path for each of a million costs seconds)
    return facts.st_dev, facts.st_ino


def _index(tree: Tree, *, names: Sequence[str], source: Path, root: Path) -> Index:
    counts = [len(tree.get(name, ())) for name in names]
    return Index(
        source=source,
        root=root,
        paths=[image for name in names for image in tree.get(name, ())],
        labels=np.repeat(np.arange(len(names), dtype=np.int64), counts),
        classes=tuple(names),
    )
