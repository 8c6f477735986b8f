"""Lists that other tools wrote, as indexes: any order and separator, tables, and names as labels."""

import csv
import re
from array import array
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import NamedTuple

import numpy as np

from common.cli import UsageError
from common.dataset.class_names import read_classes
from common.dataset.index import Index
from common.dataset.left_out import logger, named
from common.dataset.list_formats import (
    LABEL_COLUMNS,
    PATH_COLUMNS,
    SPLIT_COLUMNS,
    label_first,
    path_first,
    plain_column,
)
from common.dataset.list_text import list_lines
from common.dataset.lists import MOST_CLASSES, clean_path, cut
from common.dataset.split_names import split_named

WITHOUT_SPLIT = ""
SEVERAL_NUMBERS = re.compile(r"[-+.\w]*\d([\s,;]+[-+.\w]*\d)+")  # 0,1,0 or 0 0.5, but no name


class Row(NamedTuple):
    """A line of a list: its number, path and label as they stand there, and the split that it names."""

    line: int
    image: str
    label: str
    split: str = WITHOUT_SPLIT


@dataclass
class _Rows:
    """The rows of one split; ``labels`` are places in the list of all different labels."""

    source: Path
    root: Path
    paths: list[str] = field(default_factory=list)
    labels: "array[int]" = field(default_factory=lambda: array("q"))
    lines: "array[int]" = field(default_factory=lambda: array("q"))


def convert_lists(
    lists: Mapping[str, Path], form: str, *, root: Path | None = None, classes: Sequence[str] = ()
) -> dict[str, Index]:
    """The lists of each split, in a format of ``FORMATS``.

    Labels that are names are numbered in the order of ``classes``, else of ``classes.json`` or ``labels.txt``
    beside the lists, else of the alphabet, in all lists alike. Numbers that do not begin at 0, or have gaps,
    are taken for names, too, unless there are names for them. Raises UsageError naming file and line.
    """
    found: dict[str, _Rows] = {}
    places: dict[str, int] = {}
    for split, path in lists.items():
        for row in _rows(path, form):
            _require_one_label(row, path)
            own = row.split or split
            into = found.setdefault(own, _Rows(path, path.parent if root is None else root))
            into.paths.append(_cleaned(row, path))
            into.labels.append(places.setdefault(row.label, len(places)))
            into.lines.append(row.line)
    if not found:
        raise UsageError(f"{', '.join(map(str, lists.values()))}: the list is empty")
    folder = next(iter(lists.values())).parent
    names = tuple(classes) or read_classes(folder)
    numbers, known = _numbered(list(places), names, source=next(iter(lists.values())))
    return {
        split: Index(
            source=rows.source,
            root=rows.root,
            paths=rows.paths,
            labels=numbers[np.frombuffer(rows.labels, dtype=np.int64)],
            lines=np.frombuffer(rows.lines, dtype=np.int64),
            classes=known,
        )
        for split, rows in found.items()
    }


def _require_one_label(row: Row, path: Path) -> None:
    """Raise UsageError for a label that is several, as in a list with more columns."""
    if "\t" in row.label or SEVERAL_NUMBERS.fullmatch(row.label):
        raise UsageError(
            f"{path}:{row.line}: {cut(row.label)!r} are several labels, and an image has one here; leave one "
            f"column of labels"
        )


def _cleaned(row: Row, path: Path) -> str:
    try:
        return clean_path(row.image, row.image)
    except UsageError as error:
        raise UsageError(f"{path}:{row.line}: {error}") from None


def _rows(path: Path, form: str) -> Iterator[Row]:
    if form == "csv":
        yield from _table(path)
        return
    for line, text in list_lines(path):
        first, second = path_first(text) if form == "path-label" else label_first(text)
        image, label = (first, second) if form == "path-label" else (second, first)
        if not image or not label:
            raise UsageError(f"{path}:{line}: not in the format {form}: {cut(text)!r}")
        yield Row(line, image, label)


def _table(path: Path) -> Iterator[Row]:
    lines = list_lines(path)
    _, header = next(lines, (1, ""))
    delimiter = max(",;\t", key=header.count)
    columns = [plain_column(name) for name in next(csv.reader([header], delimiter=delimiter), [])]
    image, label = _column(columns, PATH_COLUMNS), _column(columns, LABEL_COLUMNS)
    split = _column(columns, SPLIT_COLUMNS)
    if image is None or label is None:
        raise UsageError(
            f"{path}:1: needs a header with a column of paths ({', '.join(PATH_COLUMNS)}) and one of labels "
            f"({', '.join(LABEL_COLUMNS)}), not {cut(header)!r}"
        )
    others = [name for place, name in enumerate(columns) if place not in (image, label, split)]
    if others:
        logger.warning("%s: columns that are not read: %s", path, named(others))
    for line, text in lines:  # each by itself: a quote that nobody closes spoils no other
        cells = next(csv.reader([text], delimiter=delimiter), [])
        if len(cells) != len(columns) or not cells[image].strip() or not cells[label].strip():
            wanted = f"{len(columns)} cells with path and label"
            raise UsageError(f"{path}:{line}: {wanted} expected, got {cut(text)!r}")
        word = WITHOUT_SPLIT if split is None else cells[split].strip()
        named_split = WITHOUT_SPLIT if split is None else split_named(word)
        if named_split is None:
            raise UsageError(f"{path}:{line}: {cut(word)!r} is none of train, valid and test")
        yield Row(line, cells[image], cells[label].strip(), named_split)


def _column(columns: Sequence[str], names: Sequence[str]) -> int | None:
    return next((columns.index(name) for name in map(plain_column, names) if name in columns), None)


def _numbered(
    labels: Sequence[str], names: tuple[str, ...] | None, *, source: Path
) -> tuple[np.ndarray, tuple[str, ...] | None]:
    """(number of each different label, class names).

    Raises UsageError for a label that ``names`` lack.
    """
    if all(label.isdecimal() and len(label) < 19 for label in labels):
        values = np.array([int(label) for label in labels], dtype=np.int64)
        highest = int(values.max())
        if names is not None and highest < len(names):
            return values, names
        if names is None and len(np.unique(values)) == highest + 1:
            return values, None
        if names is None:
            order = [str(value) for value in np.unique(values)]
            labels = [str(value) for value in values]
            logger.warning(
                "%s: labels from %s to %s with gaps before or between are numbered anew from 0; classes.json "
                "keeps them as names",
                *(source, order[0], order[-1]),
            )
            names = tuple(order)
    names = names or tuple(sorted(set(labels)))
    numbers = {name: number for number, name in enumerate(names)}
    unknown = [label for label in labels if label not in numbers]
    if unknown:
        raise UsageError(
            f"{source}: the labels {named(unknown)} are not among the classes {named(list(names))}"
        )
    if len(names) > MOST_CLASSES:
        raise UsageError(f"{source}: {len(names):,} classes are more than {MOST_CLASSES:,}; is it the label?")
    return np.array([numbers[label] for label in labels], dtype=np.int64), names
