"""Who is faster in a phase at a batch size, each side at its best."""

from collections.abc import Sequence

from benchmarks.analysis.best import compared
from benchmarks.results.formatting import half_width
from benchmarks.results.schema import Best, BestSide, Comparison, Result
from common.engines.int8 import INT8


def outcome(best: Best, comparisons: Sequence[Comparison]) -> str:
    """Who is faster, "torch" or "paddle"; else "equal" or "undecided".

    Where the best of both were compared with each other, their verdict counts. Else they ran in turns of
    their own, and differ for certain only by more than the widest interval of this phase and batch size.
    """
    pair = compared(best, comparisons)
    if pair is not None:
        return pair.verdict.removesuffix(" faster")
    widths = [_width(row) for row in behind(best, comparisons)]
    if max(best.ratio, 1 / best.ratio) <= 1 + 2 * max(widths, default=0.0):
        return "undecided"
    return "paddle" if best.ratio > 1 else "torch"


def behind(best: Best, comparisons: Sequence[Comparison]) -> list[Comparison]:
    """The comparison of the best of both.

    If the best two had turns of their own, the comparisons of those.
    """
    pair = compared(best, comparisons)
    own = [row for row in comparisons if best_key(row) == best_key(best)]
    return own if pair is None else [pair]


def best_key(row: Best | Comparison | Result) -> tuple[str, str, str]:
    """Of what a best is: phase, batch, and "int8" where it is in int8."""
    batch, side = (row.batch, row.torch) if isinstance(row, Best) else (row.case.batch, row)
    return row.phase, batch, INT8 if side.precision == INT8 else ""


def way(side: BestSide) -> str:
    """Engine and precision of a side's best, and its layout unless that is NCHW."""
    layout = "" if side.layout == "NCHW" else f", {side.layout}"
    return f"{side.engine}, {side.precision}{layout}"


def _width(row: Comparison) -> float:
    """Relative half width of the interval of a row, or its noise, if that is more."""
    return max(row.noise or 0.0, half_width(row.ratio_ci95) if row.ratio_ci95 else 0.0)
