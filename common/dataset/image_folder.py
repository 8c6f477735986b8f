"""Folder trees with one folder per class."""

from collections.abc import Iterator, Sequence
from pathlib import Path

import numpy as np

from common.cli import UsageError
from common.dataset.index import Index

SPLITS = {"train": "train", "valid": "valid", "val": "valid", "test": "test"}
WHOLE = "all"  # the split that a source has which is not divided
IMAGE_SUFFIXES = frozenset(
    f".{suffix}"
    for suffix in (
        "apng",
        "avif",
        "bmp",
        "gif",
        "jfif",
        "jpe",
        "jpeg",
        "jpg",
        "pbm",
        "pgm",
        "png",
        "ppm",
        "tif",
        "tiff",
        "webp",
    )
)


def read_tree(root: Path, *, classes: Sequence[str] = ()) -> dict[str, Index]:
    """The images of ROOT/CLASS/images, or of ROOT/{train,valid,val,test}/CLASS/images.

    Class order is ``classes``, else sorted by name: never the file system's.
    """
    trees = {SPLITS[name]: root / name for name in SPLITS if (root / name).is_dir()} or {WHOLE: root}
    found = {split: _classes_below(tree) for split, tree in trees.items()}
    names = list(classes) or sorted({name for below in found.values() for name in below})
    unlisted = {name for below in found.values() for name in below} - set(names)
    if unlisted:
        raise UsageError(f"{root}: the folders {sorted(unlisted)} are not among the classes {names}")
    if not any(found.values()):
        raise UsageError(f"{root}: no class folders with images; expected {root}/CLASS/image files")
    splits = {split: _read_classes(tree, names=names, root=root) for split, tree in trees.items()}
    return {split: index for split, index in splits.items() if len(index)}


def _read_classes(tree: Path, *, names: Sequence[str], root: Path) -> Index:
    images = [(image, label) for label, name in enumerate(names) for image in _images_below(tree / name)]
    return Index(
        source=tree,
        root=root,
        paths=[image.relative_to(root).as_posix() for image, _ in images],
        labels=np.array([label for _, label in images], dtype=np.int64),
        classes=tuple(names),
    )


def _classes_below(tree: Path) -> list[str]:
    return sorted(folder.name for folder in tree.iterdir() if folder.is_dir() and _has_images(folder))


def _has_images(folder: Path) -> bool:
    return next(_images_below(folder), None) is not None


def _images_below(folder: Path) -> Iterator[Path]:
    found = folder.iterdir() if folder.is_dir() else ()
    yield from (path for path in sorted(found) if path.suffix.lower() in IMAGE_SUFFIXES)
