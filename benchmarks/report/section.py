"""A part of a report: a heading, and what stands below it."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace


@dataclass(frozen=True, kw_only=True)
class Section:
    """A heading, a sentence on how to read it, and what it shows.

    Cells are text; numbers sort as such; the first of a row is its heading. ``pictures`` are SVGs, one a row,
    in a column of their own below ``picture_head``. ``groups`` are further facts of each row, by which
    readers may group and filter. ``folded``: shown when opened, and left out in print unless ``printed``.
    ``repeated``: what stands behind the verdict is in another table, too, and is left out where it is narrow.
    """

    title: str
    note: str
    columns: Sequence[str] = ()
    rows: Sequence[Sequence[str]] = ()
    charts: Sequence[str] = ()
    lines: Sequence[str] = ()
    pictures: Sequence[str] = ()
    picture_head: str = ""
    groups: Mapping[str, Sequence[str]] = field(default_factory=dict)
    folded: bool = False
    printed: bool = False
    repeated: bool = False


def without_empty(section: Section) -> Section | None:
    """The section without columns in which no row has anything.

    Returns None if it has no rows.
    """
    if not section.rows:
        return None
    kept = [place for place, cells in enumerate(zip(*section.rows, strict=True)) if set(cells) != {"-"}]
    return replace(
        section,
        columns=[section.columns[place] for place in kept],
        rows=[[row[place] for place in kept] for row in section.rows],
    )
