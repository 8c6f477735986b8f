"""Ratios with their intervals on one logarithmic axis: a picture for each row of a table."""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass

from benchmarks.report.axes import Scale, logarithmic, tick_text
from benchmarks.report.figures import line, marker, text
from benchmarks.results.formatting import half_width
from benchmarks.results.schema import Comparison
from common.language import Language

WIDTH, ROW, HEAD, EDGE = 260.0, 22.0, 40.0, 6.0
SIDE = 0.12  # of the axis that lies on each side of 1 at least, for its words


@dataclass(frozen=True, kw_only=True)
class Ratio:
    """A ratio, paddle's speed over torch's, with its interval; ``kind`` as a verdict has it."""

    ratio: float
    interval: tuple[float, float]
    kind: str


def drawn(row: Comparison) -> Ratio | None:
    """The ratio of a comparison; None where it has none that says something."""
    known = row.ratio is not None and row.ratio_ci95 is not None and row.verdict != "invalid"
    if not known or half_width(row.ratio_ci95 or (0, 0)) > 1:
        return None
    return Ratio(ratio=row.ratio or 1.0, interval=row.ratio_ci95 or (1, 1), kind=kind_of(row.verdict))


def kind_of(verdict: str) -> str:
    """The backend that is faster; "" for neither."""
    return verdict.removesuffix(" faster") if verdict.endswith(" faster") else ""


def forest_scale(ratios: Iterable[Ratio], margins: Iterable[float], *, width: float = WIDTH) -> Scale:
    """The axis of all rows, which has 1 and the margins on it; ``margins`` in percent."""
    values = [1.0, *(end for each in ratios for end in each.interval)]
    values += [end for margin in margins for end in (1 + margin / 100, 1 / (1 + margin / 100))]
    low, high = min(values), max(values)
    span = (high / low) ** (SIDE / (1 - SIDE))
    return logarithmic([min(low, 1 / span), max(high, span)], start=EDGE, end=width - EDGE)


def forest_head(say: Language, scale: Scale, *, width: float = WIDTH) -> str:
    """The heading of the column: marks of the axis, and which side is whose."""
    parts = [text(EDGE, 12, say("← torch faster"), kind="tick")]
    parts.append(text(width - EDGE, 12, say("paddle faster →"), kind="tick", anchor="end"))
    for value in scale.ticks:
        x = min(max(scale(value), 12.0), width - 12.0)
        parts.append(text(x, 27, tick_text(value), kind="tick", anchor="middle"))
        parts.append(line(scale(value), 32, scale(value), HEAD))
    return _svg(parts, width=width, height=HEAD, label=say("paddle / torch, logarithmic"))


def forest_cell(row: Ratio | None, scale: Scale, *, margin: float | None, width: float = WIDTH) -> str:
    """One row: the interval and the ratio, the margin as a band, and a line at 1.

    The numbers stand in the cells beside it, so that it says nothing to screen readers.
    """
    parts = []
    if margin:
        low, high = scale(1 / (1 + margin / 100)), scale(1 + margin / 100)
        parts.append(f'<rect x="{low:.1f}" y="0" width="{high - low:.1f}" height="{ROW:g}" class="margin"/>')
    parts.append(line(scale(1), 0, scale(1), ROW))
    if row is not None:
        parts += interval_marks(row, scale, y=ROW / 2)
    return _svg(parts, width=width, height=ROW)


def interval_marks(row: Ratio, scale: Scale, *, y: float) -> Sequence[str]:
    """A line from end to end of the interval, and a mark at the ratio."""
    low, high = (scale(end) for end in row.interval)
    return [
        line(low, y, high, y, kind="span"),
        line(low, y - 4, low, y + 4, kind="span"),
        line(high, y - 4, high, y + 4, kind="span"),
        marker(scale(row.ratio), y, row.kind),
    ]


def _svg(parts: Sequence[str], *, width: float, height: float, label: str = "") -> str:
    about = f'role="img" aria-label="{label}"' if label else 'aria-hidden="true"'
    return f'<svg viewBox="0 0 {width:g} {height:g}" class="forest" {about}>{"".join(parts)}</svg>'
