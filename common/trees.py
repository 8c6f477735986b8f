"""Folder trees with one folder per class, made into lists."""

import json
import zlib
from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path

import numpy as np

from common.cli import UsageError
from common.files import write_text
from common.lists import Index, read_list

SPLITS = {"train": "train", "valid": "valid", "val": "valid", "test": "test"}
WHOLE = "all"  # the list's name where the tree is not split
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


def index_tree(root: Path, output: Path, *, classes: Sequence[str] = ()) -> dict[str, Index]:
    """Write the lists of ROOT/CLASS/images, or of ROOT/{train,valid,val,test}/CLASS/images.

    Class order is ``classes``, else sorted by name: never the file system's. Paths are relative where
    the images lie under ``output``, absolute elsewhere. Returns the lists by name, read back.
    """
    if not root.is_dir():
        raise UsageError(f"{root}: no such folder")
    trees = {SPLITS[name]: root / name for name in SPLITS if (root / name).is_dir()} or {WHOLE: root}
    found = {split: _classes_below(tree) for split, tree in trees.items()}
    names = list(classes) or sorted({name for below in found.values() for name in below})
    unlisted = {name for below in found.values() for name in below} - set(names)
    if unlisted:
        raise UsageError(f"{root}: the folders {sorted(unlisted)} are not among the classes {names}")
    if not names:
        raise UsageError(f"{root}: no class folders with images; expected {root}/CLASS/image files")
    images = {
        split: [(image, label) for label, name in enumerate(names) for image in _images_below(tree / name)]
        for split, tree in trees.items()
    }
    return _write(images, output=output, names=names)


def split_tree(
    root: Path, output: Path, *, fractions: Mapping[str, float], seed: int = 0
) -> dict[str, Index]:
    """Write train, valid and test lists of ROOT/CLASS/images: so much of each class, nothing copied.

    Which image goes where depends on the seed and on the names of its class alone. ``fractions`` has
    those of "valid" and "test"; the rest is for training. A list that would be empty is not written.
    """
    if any(not 0 <= fraction < 1 for fraction in fractions.values()) or sum(fractions.values()) >= 1:
        raise UsageError(f"--valid and --test must be fractions that leave a rest, got {dict(fractions)}")
    names = _classes_below(root) if root.is_dir() else []
    if not names:
        raise UsageError(f"{root}: no class folders with images; expected {root}/CLASS/image files")
    images: dict[str, list[tuple[Path, int]]] = {"train": [], **{split: [] for split in fractions}}
    for label, name in enumerate(names):
        found = list(_images_below(root / name))
        order = np.random.default_rng((seed, zlib.crc32(name.encode()))).permutation(len(found))
        parts, start = {}, 0
        for split, fraction in fractions.items():
            end = start + int(len(found) * fraction + 1e-9)
            parts[split], start = order[start:end], end
        parts["train"] = order[start:]
        for split, chosen in parts.items():
            images[split] += [(found[position], label) for position in sorted(chosen)]
    return _write({split: listed for split, listed in images.items() if listed}, output=output, names=names)


def _write(
    images: Mapping[str, Sequence[tuple[Path, int]]], *, output: Path, names: Sequence[str]
) -> dict[str, Index]:
    """Write the lists and the class names; returns the lists, read back."""
    output.mkdir(parents=True, exist_ok=True)
    for split, listed in images.items():
        lines = [f"{_as_listed(image, output=output)}\t{label}\n" for image, label in listed]
        write_text(output / f"{split}.txt", "".join(lines))
    text = json.dumps(dict(enumerate(names)), ensure_ascii=False, indent=2)
    write_text(output / "classes.json", text + "\n")
    return {split: read_list(output / f"{split}.txt") for split in images}


def _classes_below(tree: Path) -> list[str]:
    return sorted(folder.name for folder in tree.iterdir() if folder.is_dir() and _has_images(folder))


def _has_images(folder: Path) -> bool:
    return next(_images_below(folder), None) is not None


def _images_below(folder: Path) -> Iterator[Path]:
    found = folder.iterdir() if folder.is_dir() else ()
    yield from (path for path in sorted(found) if path.suffix.lower() in IMAGE_SUFFIXES)


def _as_listed(image: Path, *, output: Path) -> str:
    image, output = image.resolve(), output.resolve()
    return (image.relative_to(output) if image.is_relative_to(output) else image).as_posix()
