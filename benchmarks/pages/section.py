"""One part of a report, as both pages show it."""

from collections.abc import Sequence
from dataclasses import dataclass, replace


@dataclass(frozen=True, kw_only=True)
class Section:
    """A heading, a sentence on how to read it, and what it shows. Cells are text; numbers sort as such."""

    title: str
    note: str
    columns: Sequence[str] = ()
    rows: Sequence[Sequence[str]] = ()
    charts: Sequence[str] = ()
    lines: Sequence[str] = ()


def number(value: float | None, digits: int = 3) -> str:
    """A figure with so many significant digits, zeros too; a dash where there is none."""
    if value is None:
        return "-"
    return f"{value:,.0f}" if abs(value) >= 1000 else f"{value:#.{digits}g}".rstrip(".")


def interval(ends: tuple[float, float] | None) -> str:
    """Both ends of an interval; a dash where there is none."""
    return f"{number(ends[0])} to {number(ends[1])}" if ends else "-"


def without_empty(section: Section) -> Section | None:
    """The section without columns in which no row has anything; None if it has no rows."""
    if not section.rows:
        return None
    kept = [place for place, cells in enumerate(zip(*section.rows, strict=True)) if set(cells) != {"-"}]
    return replace(
        section,
        columns=[section.columns[place] for place in kept],
        rows=[[row[place] for place in kept] for row in section.rows],
    )
