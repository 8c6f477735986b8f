"""List files: one ``path<TAB>label`` per line, relative to the list's folder or to a root beside it."""

import os
import re
from array import array
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import replace
from functools import partial
from pathlib import Path
from typing import overload

import numpy as np

from common.cli import UsageError
from common.dataset.class_names import read_classes, write_classes
from common.dataset.containers import DIGITS
from common.dataset.index import Index
from common.dataset.list_formats import remedy
from common.dataset.split_names import is_text
from common.files import require_folder, require_regular, writing_text

DIGITS_START = f"{DIGITS}#"  # of an image that lies in no folder
MOST_CLASSES = 100_000  # AlexNet's last layer then has 410 million weights
LABEL_DIGITS = len(str(MOST_CLASSES))  # a label of as many is too high
LONGEST_LINE = 100_000  # characters; a longer one is no line of a list
_UNLISTABLE = re.compile("[\\n\\r\\t\\\\\\0\\udc80-\\udcff]").search  # in a name: it would be read as another
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
    for line, text in list_lines(path):
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
    numbers = np.frombuffer(labels, dtype=np.int64)
    return Index(
        source=path,
        root=root,
        paths=paths,
        labels=numbers,
        lines=np.frombuffer(lines, dtype=np.int64),
        classes=read_classes(path.parent, highest=int(numbers.max())),
    )


def list_lines(path: Path) -> Iterator[tuple[int, str]]:
    """(line number from 1, text) of each line that is not blank.

    UsageError if the list cannot be read.
    """
    line = 0
    try:
        path.stat()  # a list that is not there has a remedy of its own
        require_regular(path)
        with path.open(encoding="utf-8-sig", newline="\n") as file:
            for line, text in enumerate(iter(partial(file.readline, LONGEST_LINE), ""), start=1):
                if len(text) == LONGEST_LINE:
                    raise UsageError(f"{path}:{line}: longer than {LONGEST_LINE:,} characters; is it a list?")
                if not text.isspace():
                    yield line, text.rstrip("\r\n")
    except FileNotFoundError:
        raise UsageError(
            f"{path}: no such list; make one with: python -m common.dataset index ROOT --output DIR"
        ) from None
    except UnicodeDecodeError:
        raise UsageError(f"{path}: not a UTF-8 text list (after line {line}); {_encoding(path)}") from None
    except OSError as error:
        raise UsageError(f"{path}: cannot be read ({error.strerror})") from None


def _encoding(path: Path) -> str:
    """A remedy for a list in another encoding, which is guessed."""
    with path.open("rb") as file:
        data = file.read(1 << 16)
    if data[:2] in (b"\xff\xfe", b"\xfe\xff"):
        guess = "UTF-16"
    elif b"\0" in data:
        return "it is no text at all"
    else:
        data = data[: data.rfind(b"\n") + 1] or data
        try:
            data.decode("gb18030")
            guess = "GB18030"
        except UnicodeDecodeError:
            return "save it as UTF-8"
    return f"save it as UTF-8; if it is {guess}: iconv -f {guess} -t UTF-8 {path.name} > utf8.txt"


def parse_line(text: str) -> tuple[str, int]:
    """The path, with forward slashes, and the label of a line.

    UsageError says what is wrong with it.
    """
    image, tab, label = text.rpartition("\t")
    # Nearly every line is like this, and told from others in a quarter of the time that they take.
    plain = image == image.strip() and ".." not in image and "\\" not in image and "\0" not in image
    if plain and image and label.isdecimal() and len(label) < LABEL_DIGITS:
        return image, int(label)
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
        lines = zip(paths, index.labels.tolist(), strict=True)
        file.writelines(f"{path}\t{label}\n" for path, label in lines)
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
        return self._listed(found) if isinstance(found, str) else [self._listed(path) for path in found]

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
