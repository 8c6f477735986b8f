"""List files: one ``path<TAB>label`` per line, relative to the list's folder or to a root beside it."""

import os
import re
from array import array
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import replace
from pathlib import Path
from typing import overload

import numpy as np

from common.cli import UsageError
from common.dataset.class_names import read_classes, write_classes
from common.dataset.containers import DIGITS
from common.dataset.index import Index
from common.dataset.list_formats import remedy
from common.dataset.list_text import block_lines, list_blocks, plain_labels
from common.dataset.split_names import is_text
from common.files import require_folder, writing_text

DIGITS_START = f"{DIGITS}#"  # of an image that lies in no folder
MOST_CLASSES = 100_000  # AlexNet's last layer then has 410 million weights
_UNLISTABLE = re.compile("[\\n\\r\\t\\\\\\0\\udc80-\\udcff]").search  # in a name: it would be read as another
PORTION = 10_000  # lines that are written at once
SHOWN = 100  # characters of a bad line that a message repeats


def read_list(path: Path, *, root: Path | None = None) -> Index:
    """Read a list file.

    Raises UsageError naming the file, the line and the remedy. Taken as people write them: a byte-order mark,
    CRLF, blank lines, spaces in paths and Windows separators are all fine. Relative paths may not climb out
    of the root; absolute ones are allowed, since the list's author then named the place outright.
    ``classes.json`` or ``labels.txt`` beside the list names the classes. A million lines take about 200 MB.
    """
    root_given, root = root, path.parent if root is None else root
    # Arrays and not lists of integers: a million lines are common.
    paths: list[str] = []
    labels, lines = array("q"), array("q")
    for first, block in list_blocks(path):
        numbers = plain_labels(block)
        if numbers is not None:
            paths += block.replace("\t", "\n").split("\n")[:-1:2]
            labels.frombytes(numbers.tobytes())
            lines.extend(range(first, first + len(numbers)))
            continue
        for line, text in block_lines(first, block):
            try:
                image, label = parse_line(text)
            except UsageError as error:
                raise UsageError(f"{path}:{line}: {error}{remedy(text, path=path)}") from None
            paths.append(image)
            labels.append(label)
            lines.append(line)
    # Complaints about the whole list come after those about its lines.
    if root_given is not None and not root.is_dir():
        raise UsageError(f"{root}: the root is not a folder")
    if not paths:
        raise UsageError(f"{path}: the list is empty; write one '<path><TAB><label>' per line")
    own = np.frombuffer(labels, dtype=np.int64)
    return Index(
        source=path,
        root=root,
        paths=paths,
        labels=own,
        lines=np.frombuffer(lines, dtype=np.int64),
        classes=read_classes(path.parent, highest=int(own.max())),
    )


def parse_line(text: str) -> tuple[str, int]:
    """The path, with forward slashes, and the label of a line.

    UsageError says what is wrong with it.
    """
    image, tab, label = text.rpartition("\t")
    if not tab:
        raise UsageError(f"expected '<path><TAB><label>', got {cut(text)!r}")
    return clean_path(image, text), parse_label(label)


def parse_label(text: str) -> int:
    """A label's number. Raises UsageError for what is none, or is too high for any model."""
    if not text.isdecimal():
        text = text.strip()
    if not text.isdecimal():
        raise UsageError(f"the label must be a whole number from 0, got {cut(text)!r}")
    label = int(text) if len(text) < SHOWN else MOST_CLASSES
    if label >= MOST_CLASSES:
        raise UsageError(
            f"the label must be a whole number from 0 to {MOST_CLASSES - 1:,}, got {cut(text)!r}; "
            f"index --format path-label numbers labels anew"
        )
    return label


def clean_path(image: str, text: str) -> str:
    """A line's path without spaces around it and with forward slashes. Raises UsageError."""
    image = image.strip()
    if "\\" in image:
        image = image.replace("\\", "/")
    if not image:
        raise UsageError(f"expected '<path><TAB><label>', got {cut(text)!r}")
    if "\0" in image:
        raise UsageError(f"{cut(image)!r} holds a zero byte, which no path can")
    if ".." in image and not image.startswith("/") and os.path.normpath(image).split("/")[0] == "..":
        raise UsageError(f"{cut(image)!r} climbs out of the root; list images below it, or use --root")
    return image


def cut(text: str) -> str:
    """The beginning of a long text."""
    return text if len(text) <= SHOWN else f"{text[:SHOWN]}..."


def write_lists(splits: Mapping[str, Index], output: Path) -> dict[str, Index]:
    """Write one list per split, and the class names.

    Returns the lists as ``read_list`` reads them. Paths are relative where the images lie below ``output``,
    absolute elsewhere.
    """
    require_folder(output)
    classes = next(iter(splits.values())).classes or ()
    written = {name: _write_list(index, output / f"{name}.txt") for name, index in splits.items()}
    write_classes(output, classes)
    return written


def _write_list(index: Index, target: Path) -> Index:
    paths = _ListedPaths(index, below=target.parent.resolve())
    with writing_text(target) as file:
        for start in range(0, len(paths), PORTION):
            portion = slice(start, start + PORTION)
            lines = zip(paths[portion], index.labels[portion].tolist(), strict=True)
            file.write("".join([f"{path}\t{label}\n" for path, label in lines]))
    numbers = np.arange(1, len(paths) + 1)
    return replace(index, source=target, root=target.parent, paths=paths, lines=numbers)


class _ListedPaths(Sequence[str]):
    """The paths of an index as a list in the folder ``below`` names them; made when asked for.

    A million of them, made at once, take 150 MB.
    """

    def __init__(self, index: Index, *, below: Path) -> None:
        self._index, self._below = index, f"{below}/"
        root = f"{str(index.root.resolve()).rstrip('/')}/"
        self._start = root.removeprefix(self._below)

    def __len__(self) -> int:
        return len(self._index.paths)

    @overload
    def __getitem__(self, place: int) -> str: ...

    @overload
    def __getitem__(self, place: slice) -> list[str]: ...

    def __getitem__(self, place: int | slice) -> str | list[str]:
        found = self._index.paths[place]
        if isinstance(found, str):
            return self._listed(found)
        if found and _are_plain(found):
            self._listed(found[0])  # what all of them begin with can be odd, too
            return [self._start + path for path in found]
        return [self._listed(path) for path in found]

    def __iter__(self) -> Iterator[str]:
        return map(self._listed, self._index.paths)

    def _listed(self, path: str) -> str:
        if path[0] == "/":
            name = path.removeprefix(self._below)
        else:
            name = path if path.startswith(DIGITS_START) else self._start + path
        if _UNLISTABLE(name) or name != name.strip():
            what = "this name" if is_text(name) else "this name, which is no UTF-8,"
            image = self._index.root / path
            raise UsageError(f"{image}: a list cannot hold {what} {name!r}; rename the file")
        return name


def _are_plain(paths: Sequence[str]) -> bool:
    """True if relative paths can stand in a list as they are: faster for thousands than one by one."""
    joined = f"//{'//'.join(paths)}//"  # spaces and slashes at an end show beside these
    odd = ("\\", "// ", " //", "///", f"//{DIGITS_START}")
    return joined.isprintable() and not any(each in joined for each in odd)
