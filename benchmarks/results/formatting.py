"""Combinations in words, each told apart from the others of its report."""

from collections.abc import Callable, Iterable

from benchmarks.results.schema import Against, Best, Comparison, Result


def batch_of(row: Result | Comparison | Best | Against) -> str:
    """The batch size, and how many processes have such a batch each."""
    return str(row.batch_size) if row.processes == 1 else f"{row.batch_size} x {row.processes} processes"


def labeller(
    rows: Iterable[Result | Comparison | Against],
) -> Callable[[Result | Comparison | Against], str]:
    """Names the combination of a row; its threads only where the rows have different numbers of them."""
    several = len({row.threads for row in rows}) > 1

    def label(row: Result | Comparison | Against) -> str:
        layout = "" if row.layout == "NCHW" else f" {row.layout}"
        threads = f", {row.threads} threads" if several and row.threads else ""
        return f"{row.phase} {row.engine} {row.precision}{layout} batch {batch_of(row)}{threads}"

    return label


def number(value: float | None, digits: int = 3) -> str:
    """A figure with so many significant digits, zeros too; a dash where there is none."""
    if value is None:
        return "-"
    return f"{value:,.0f}" if abs(value) >= 1000 else f"{value:#.{digits}g}".rstrip(".")


def interval(ends: tuple[float, float] | None) -> str:
    """Both ends of an interval; a dash where there is none."""
    return f"{number(ends[0])} to {number(ends[1])}" if ends else "-"
