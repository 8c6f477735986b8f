"""One part of a report, as both pages show it."""

from collections.abc import Sequence
from dataclasses import dataclass


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
    """A figure with so many significant digits; a dash where there is none."""
    if value is None:
        return "-"
    return f"{value:,.0f}" if abs(value) >= 1000 else f"{value:.{digits}g}"
