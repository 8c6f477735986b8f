"""List files: one ``path<TAB>label`` per line, relative to the list's folder or to a root beside it."""

import os
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np

from common.cli import UsageError


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
    entries = list(list_lines(path))
    root = path.parent if root is None else root
    if not root.is_dir():
        raise UsageError(f"{root}: the root is not a folder")
    paths: list[str] = []
    labels: list[int] = []
    lines: list[int] = []
    for line, entry in entries:
        try:
            image, label = parse_line(entry)
        except UsageError as error:
            raise UsageError(f"{path}:{line}: {error}") from None
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


def list_lines(path: Path) -> Iterator[tuple[int, str]]:
    """(line number from 1, text) of each line that is not blank. UsageError if the list cannot be read."""
    for line, text in enumerate(_read(path).split("\n"), start=1):
        if text.strip():
            yield line, text.rstrip("\r")


def parse_line(text: str) -> tuple[str, int]:
    """The path, with forward slashes, and the label of a line. UsageError says what is wrong with it."""
    image, tab, label = text.rpartition("\t")
    if not tab:
        raise UsageError(f"expected '<path><TAB><label>', got {text!r}")
    if not label.strip().isdecimal():
        raise UsageError(f"the label must be a whole number from 0, got {label!r}")
    image = image.strip().replace("\\", "/")
    if not image.startswith("/") and Path(os.path.normpath(image)).parts[:1] == ("..",):
        raise UsageError(f"{image!r} climbs out of the root; list images below it, or use --root")
    return image, int(label)


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
