"""Combinations and figures in words."""

from collections.abc import Callable, Sequence

from benchmarks.results.schema import CaseRecord


def labeller(rows: Sequence[CaseRecord]) -> Callable[[CaseRecord], str]:
    """A function that names a row's combination.

    Threads are named only if the rows differ in them.
    """
    several = len({row.threads for row in rows}) > 1

    def label(row: CaseRecord) -> str:
        threads = f", {row.threads} threads" if several and row.threads else ""
        return f"{row.case}{threads}"

    return label


def number(value: float | None, digits: int = 3) -> str:
    """A figure with so many significant digits, zeros too.

    A missing figure is a dash.
    """
    if value is None:
        return "-"
    return f"{value:,.0f}" if abs(value) >= 1000 else f"{value:#.{digits}g}".rstrip(".")


def interval(ends: tuple[float, float] | None) -> str:
    """Both ends of an interval; a dash where there is none."""
    return f"{number(ends[0])} to {number(ends[1])}" if ends else "-"
