"""A part of a report: a heading, and what stands below it."""

from collections.abc import Sequence
from dataclasses import dataclass, replace


@dataclass(frozen=True, kw_only=True)
class Section:
    """A heading, a sentence on how to read it, and what it shows.

    Cells are text; numbers sort as such.
    """

    title: str
    note: str
    columns: Sequence[str] = ()
    rows: Sequence[Sequence[str]] = ()
    charts: Sequence[str] = ()
    lines: Sequence[str] = ()


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
