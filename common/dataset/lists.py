"""List files: one ``path<TAB>label`` per line, relative to the list's folder or to a root beside it."""

import json
import os
from array import array
from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path

import numpy as np

from common.cli import UsageError
from common.dataset.containers import DIGITS
from common.dataset.index import Index
from common.files import write_text

CLASSES = "classes.json"  # beside a list: {"0": name, "1": name, ...}
LABEL_DIGITS = 9  # as many as fit any integer


def read_list(path: Path, *, root: Path | None = None) -> Index:
    """Read a list file.

    Raises UsageError naming the file, the line and the remedy. Taken as people write them: a byte-order mark,
    CRLF, blank lines, spaces in paths and Windows separators are all fine. Relative paths may not climb out
    of the root; absolute ones are allowed, since the list's author then named the place outright.
    ``classes.json`` beside the list names the classes. A million lines take about 200 MB.
    """
    root_given, root = root, path.parent if root is None else root
    # Arrays and not lists of integers: a million lines are common.
    paths: list[str] = []
    labels, lines = array("q"), array("q")
    for line, text in list_lines(path):
        try:
            image, label = parse_line(text)
        except UsageError as error:
            raise UsageError(f"{path}:{line}: {error}") from None
        paths.append(image)
        labels.append(label)
        lines.append(line)
    # Complaints about the whole list come after those about its lines.
    if root_given is not None and not root.is_dir():
        raise UsageError(f"{root}: the root is not a folder")
    if not paths:
        raise UsageError(f"{path}: the list is empty; write one '<path><TAB><label>' per line")
    return Index(
        source=path,
        root=root,
        paths=paths,
        labels=np.array(labels),
        lines=np.array(lines),
        classes=read_classes(path.parent),
    )


def list_lines(path: Path) -> Iterator[tuple[int, str]]:
    """(line number from 1, text) of each line that is not blank.

    UsageError if the list cannot be read.
    """
    line = 0
    try:
        with path.open(encoding="utf-8-sig", newline="\n") as file:
            for line, text in enumerate(file, start=1):
                if not text.isspace():
                    yield line, text.rstrip("\r\n")
    except FileNotFoundError:
        raise UsageError(
            f"{path}: no such list; make one with: python -m common.dataset index ROOT --output DIR"
        ) from None
    except UnicodeDecodeError:
        raise UsageError(f"{path}: not a UTF-8 text list (after line {line}); save it as UTF-8") from None
    except OSError as error:
        raise UsageError(f"{path}: cannot be read ({error.strerror})") from None


def parse_line(text: str) -> tuple[str, int]:
    """The path, with forward slashes, and the label of a line.

    UsageError says what is wrong with it.
    """
    image, tab, label = text.rpartition("\t")
    if not tab:
        raise UsageError(f"expected '<path><TAB><label>', got {text!r}")
    label = label.strip()
    if not label.isdecimal() or len(label) > LABEL_DIGITS:
        raise UsageError(f"the label must be a whole number from 0, got {label!r}")
    image = image.strip().replace("\\", "/")
    if not image:
        raise UsageError(f"expected '<path><TAB><label>', got {text!r}")
    if ".." in image and not image.startswith("/") and os.path.normpath(image).split("/")[0] == "..":
        raise UsageError(f"{image!r} climbs out of the root; list images below it, or use --root")
    return image, int(label)


def write_lists(splits: Mapping[str, Index], output: Path) -> dict[str, Index]:
    """Write one list per split, and the class names.

    Returns the lists, read back. Paths are relative where the images lie below ``output``, absolute
    elsewhere.
    """
    output.mkdir(parents=True, exist_ok=True)
    for name, index in splits.items():
        write_text(output / f"{name}.txt", "".join(_lines(index, output=output)))
    write_classes(output, next(iter(splits.values())).classes or ())
    return {name: read_list(output / f"{name}.txt") for name in splits}


def read_classes(folder: Path) -> tuple[str, ...] | None:
    """The class names in a folder's ``classes.json``, or None if it has none."""
    path = folder / CLASSES
    try:
        named = json.loads(path.read_text(encoding="utf-8-sig"))
        return tuple(str(named[str(label)]) for label in range(len(named)))
    except FileNotFoundError:
        return None
    except (OSError, ValueError, KeyError, TypeError):
        raise UsageError(f'{path}: expected {{"0": name, "1": name, ...}}; mend or delete it') from None


def write_classes(folder: Path, names: Sequence[str]) -> None:
    """Write ``classes.json``, or remove an old one where there are no names."""
    if not names:
        (folder / CLASSES).unlink(missing_ok=True)
        return
    text = json.dumps(dict(enumerate(names)), ensure_ascii=False, indent=2)
    write_text(folder / CLASSES, text + "\n")


def _lines(index: Index, *, output: Path) -> Iterator[str]:
    root, below = index.root.resolve(), output.resolve()
    for path, label in zip(index.paths, index.labels.tolist(), strict=True):
        listed = path if path.startswith(f"{DIGITS}#") else _as_listed(root / path, below=below)
        if listed != listed.strip() or "\n" in listed or "\r" in listed or "\\" in listed:
            raise UsageError(f"{root / path!s}: a list cannot hold this name {listed!r}; rename the file")
        yield f"{listed}\t{label}\n"


def _as_listed(image: Path, *, below: Path) -> str:
    return (image.relative_to(below) if image.is_relative_to(below) else image).as_posix()
