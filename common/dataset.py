"""Lists of labelled images.

A list file has one ``path<TAB>label`` per line; paths are relative to the list's folder or to a root
given beside it, and ``classes.json`` next to the list maps each index to its class name.

    python -m common.dataset index ROOT --output DIR [--classes a,b,c]
"""

import json
import os
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np

from common import cli
from common.cli import UsageError
from common.files import write_text

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


@dataclass(frozen=True, kw_only=True)
class Index:
    """Labelled images by path. ``labels`` is int64 (images,); ``lines`` their line in ``source``."""

    source: Path
    root: Path
    paths: Sequence[str]
    labels: np.ndarray
    lines: Sequence[int]

    def __len__(self) -> int:
        return len(self.paths)

    def locate(self, position: int) -> Path:
        """Where the image at a position lies."""
        return self.root / self.paths[position]

    def origin(self, position: int) -> str:
        """Which line of which list named the image, for messages."""
        return f"{self.source}:{self.lines[position]}"


def read_list(path: Path, *, root: Path | None = None) -> Index:
    """Read a list file. Raises UsageError naming the file, the line and the remedy.

    Taken as people write them: a byte-order mark, CRLF, blank lines, spaces in paths and Windows
    separators are all fine. Relative paths may not climb out of the root; absolute ones are allowed,
    since the list's author then named the place outright.
    """
    text = _read(path)
    root = path.parent if root is None else root
    if not root.is_dir():
        raise UsageError(f"{root}: the root is not a folder")
    paths: list[str] = []
    labels: list[int] = []
    lines: list[int] = []
    for line, entry in enumerate(text.splitlines(), start=1):
        if entry.strip():
            image, label = _parse(entry, where=f"{path}:{line}")
            paths.append(image)
            labels.append(label)
            lines.append(line)
    if not paths:
        raise UsageError(f"{path}: the list is empty; write one '<path><TAB><label>' per line")
    return Index(source=path, root=root, paths=paths, labels=np.array(labels, dtype=np.int64), lines=lines)


def require_images(index: Index) -> None:
    """Raise UsageError, with a count and the first line concerned, if images do not exist."""
    missing = [position for position in range(len(index)) if not index.locate(position).is_file()]
    if missing:
        first = missing[0]
        raise UsageError(
            f"{index.origin(first)}: no image at {index.locate(first)} ({len(missing)} of {len(index)} "
            f"images are missing); name their folder with --root, or mend the list"
        )


def require_labels(index: Index, *, num_classes: int) -> None:
    """Raise UsageError if a label has no class among ``num_classes``."""
    outside = np.flatnonzero(index.labels >= num_classes)
    if outside.size:
        first = int(outside[0])
        raise UsageError(
            f"{index.origin(first)}: label {index.labels[first]} is outside 0..{num_classes - 1}; "
            f"give --num-classes {int(index.labels.max()) + 1}"
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
    output.mkdir(parents=True, exist_ok=True)
    for split, tree in trees.items():
        lines = [
            f"{_as_listed(image, output=output)}\t{label}\n"
            for label, name in enumerate(names)
            for image in _images_below(tree / name)
        ]
        write_text(output / f"{split}.txt", "".join(lines))
    text = json.dumps(dict(enumerate(names)), ensure_ascii=False, indent=2)
    write_text(output / "classes.json", text + "\n")
    return {split: read_list(output / f"{split}.txt") for split in trees}


def _read(path: Path) -> str:
    try:
        return path.read_text(encoding="utf-8-sig")
    except FileNotFoundError:
        raise UsageError(
            f"{path}: no such list; make one with: python -m common.dataset index ROOT --output DIR"
        ) from None
    except UnicodeDecodeError as error:
        raise UsageError(f"{path}: not a UTF-8 text list (byte {error.start}); save it as UTF-8") from None
    except OSError as error:
        raise UsageError(f"{path}: cannot be read ({error.strerror})") from None


def _parse(text: str, *, where: str) -> tuple[str, int]:
    image, tab, label = text.rpartition("\t")
    if not tab:
        raise UsageError(f"{where}: expected '<path><TAB><label>', got {text!r}")
    if not label.strip().isdecimal():
        raise UsageError(f"{where}: the label must be a whole number from 0, got {label!r}")
    image = image.strip().replace("\\", "/")
    if not image.startswith("/") and Path(os.path.normpath(image)).parts[:1] == ("..",):
        raise UsageError(f"{where}: {image!r} climbs out of the root; list images below it, or use --root")
    return image, int(label)


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


def main(arguments: Sequence[str]) -> int:
    """The command; returns its exit code."""
    parser = cli.Parser(prog="common.dataset", description="Make lists of labelled images.")
    commands = parser.add_subparsers(dest="command", required=True)
    index = commands.add_parser("index", help="write the lists of a tree with one folder per class")
    index.add_argument("root", type=Path, metavar="ROOT")
    index.add_argument("--output", type=Path, required=True, metavar="DIR")
    index.add_argument("--classes", default="", help="class names in label order, with commas")
    options = parser.parse_args(arguments)
    names = [name for name in options.classes.split(",") if name]
    for split, made in index_tree(options.root, options.output, classes=names).items():
        print(f"{options.output / split}.txt: {len(made)} images, {made.labels.max() + 1} classes")
    return cli.DONE


if __name__ == "__main__":
    cli.run(main, program="common.dataset")
