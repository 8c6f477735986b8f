"""Charts as SVG figures: series differ by pattern as well as by colour, and every value is written out.

Colours are those of the style sheet, from the palette of Okabe and Ito, which colour-blind people can
distinguish (https://jfly.uni-koeln.de/color/).
"""

import math
from collections.abc import Sequence
from dataclasses import dataclass
from html import escape

WIDTH, BAR, GAP, LABEL, FIGURE = 400, 16, 14, 16, 62  # at 400 pixels a unit is a pixel: text stays readable
PATTERN = """<svg width="0" height="0" aria-hidden="true" class="patterns"><defs>
<pattern id="hatch" width="6" height="6" patternUnits="userSpaceOnUse" patternTransform="rotate(45)">
<rect width="6" height="6" class="paddle"/><line x1="0" y1="0" x2="0" y2="6" class="stroke"/></pattern>
</defs></svg>"""  # once a page


@dataclass(frozen=True, kw_only=True)
class Bars:
    """One group of bars: a label, and (name of the backend, value, its text) for each."""

    label: str
    bars: Sequence[tuple[str, float | None, str]]


def bar_chart(title: str, groups: Sequence[Bars], *, unit: str) -> str:
    """Horizontal bars from zero, a group under each label."""
    values = [value for group in groups for _, value, _ in group.bars if value]
    longest = max(values, default=1.0)
    parts, y = [], 8.0
    for group in groups:
        y += LABEL
        parts.append(text(0, y - 4, group.label))
        for name, value, words in group.bars:
            length = (value or 0) / longest * (WIDTH - FIGURE - 60)
            parts.append(_bar(60, y, length, name))
            parts.append(text(0, y + BAR - 4, name, kind="small"))
            parts.append(text(64 + length, y + BAR - 4, words, kind="small"))
            y += BAR + 2
        y += GAP
    return figure(title, f"{len(groups)} groups of bars, in {unit}", parts, height=y)


def gap_chart(title: str, gaps: Sequence[tuple[str, float, str]], *, unit: str) -> str:
    """Bars to the left (torch takes longer) and to the right (paddle does) of a middle line."""
    largest = max((abs(value) for _, value, _ in gaps), default=1.0) or 1.0
    middle, reach, parts, y = 205.0, 95.0, [], 8.0
    for label, value, words in gaps:
        length = abs(value) / largest * reach
        name = "paddle" if value > 0 else "torch"
        parts.append(text(0, y + BAR - 4, label, kind="small"))
        parts.append(_bar(middle if value > 0 else middle - length, y, length, name))
        parts.append(text(middle + reach + 6, y + BAR - 4, words, kind="small"))
        y += BAR + 4
    parts.append(f'<line x1="{middle}" y1="4" x2="{middle}" y2="{y:.0f}" class="axis"/>')
    return figure(title, f"Differences by layer, in {unit}", parts, height=y + 8)


def depth_chart(title: str, points: Sequence[tuple[str, float]], *, limit: float) -> str:
    """Errors on a logarithmic scale, one row a tensor, with a line where the tolerance lies."""
    decades = [math.log10(value) for _, value in points if value > 0] + [math.log10(limit)]
    low, high = math.floor(min(decades)) - 1, math.ceil(max(decades)) + 1
    left, reach, parts, y = 150.0, WIDTH - 225.0, [], 8.0

    def across(value: float) -> float:
        return left + (math.log10(value) - low) / (high - low) * reach if value > 0 else left

    for label, value in points:
        parts.append(text(0, y + 11, label, kind="small"))
        parts.append(f'<circle cx="{across(value):.1f}" cy="{y + 7:.0f}" r="4" class="torch"/>')
        parts.append(text(WIDTH - 62, y + 11, f"{value:.1e}", kind="small"))
        y += BAR + 2
    x = across(limit)
    parts.append(f'<line x1="{x:.1f}" y1="4" x2="{x:.1f}" y2="{y:.0f}" class="axis"/>')
    parts.append(text(x - 60, y + 14, f"tolerance {limit:.0e}", kind="small"))
    return figure(title, "Relative L2 distance, logarithmic", parts, height=y + 24)


def _bar(x: float, y: float, length: float, name: str) -> str:
    fill = ' fill="url(#hatch)"' if name == "paddle" else ' class="torch"'
    return f'<rect x="{x:.1f}" y="{y:.1f}" width="{max(length, 1):.1f}" height="{BAR}"{fill}/>'


def text(x: float, y: float, words: str, *, kind: str = "label") -> str:
    """Text in a chart, starting at a point.

    ``kind`` is "small" or "label".
    """
    return f'<text x="{x:.1f}" y="{y:.1f}" class="{kind}">{escape(words)}</text>'


def figure(title: str, description: str, parts: Sequence[str], *, height: float) -> str:
    """A figure with its title, for eyes and for screen readers, around the parts of an SVG."""
    inside = "".join(parts)
    return (
        f"<figure><figcaption>{escape(title)}</figcaption>"
        f'<svg viewBox="0 0 {WIDTH} {height:.0f}" role="img" aria-label="{escape(title)}">'
        f"<title>{escape(title)}</title><desc>{escape(description)}</desc>{inside}</svg></figure>"
    )


LEFT, RIGHT, TOP, HEIGHT, LINE = 48, 14, 10, 150, 18
MARKS = 25  # points at most that get a mark of their own


@dataclass(frozen=True, kw_only=True)
class Line:
    """Points (x, y) in the order of x.

    ``kind`` is the backend whose colour and dashes it has.
    """

    label: str
    kind: str
    points: Sequence[tuple[float, float]]


def line_chart(title: str, lines: Sequence[Line], *, unit: str) -> str:
    """Lines over a common pair of axes, with a legend beneath that has each line's last value."""
    every = [point for line in lines for point in line.points]
    (x_low, x_high), (y_low, y_high) = (_range([point[axis] for point in every]) for axis in (0, 1))

    def place(point: tuple[float, float]) -> tuple[float, float]:
        across = (point[0] - x_low) / (x_high - x_low) * (WIDTH - LEFT - RIGHT)
        return LEFT + across, TOP + (y_high - point[1]) / (y_high - y_low) * HEIGHT

    bottom = TOP + HEIGHT
    parts = [
        f'<path d="M{LEFT} {TOP}V{bottom}H{WIDTH - RIGHT}" class="axis" fill="none"/>',
        text(0, TOP + 10, f"{y_high:.3g}", kind="small"),
        text(0, bottom, f"{y_low:.3g}", kind="small"),
        text(LEFT, bottom + 16, f"{unit} {x_low:g}", kind="small"),
        text(WIDTH - RIGHT - 30, bottom + 16, f"{x_high:g}", kind="small"),
    ]
    for number, line in enumerate(lines):
        places = [place(point) for point in line.points]
        parts += _drawn(line.kind, places)
        y = bottom + 40 + number * LINE
        parts += _drawn(line.kind, [(0.0, y - 4), (18.0, y - 4), (36.0, y - 4)])
        parts.append(text(46, y, f"{line.label}: {line.points[-1][1]:.4g} at the end", kind="small"))
    return figure(title, f"{len(lines)} lines by {unit}", parts, height=bottom + 40 + len(lines) * LINE)


def curve_chart(title: str, lines: Sequence[Line], *, unit: str, limit: float) -> str:
    """Lines over two logarithmic axes, milliseconds upwards, with a line where the limit lies."""
    every = [point for line in lines for point in line.points] + [(lines[0].points[0][0], limit)]
    (x_low, x_high), (y_low, y_high) = (_range([math.log(point[axis]) for point in every]) for axis in (0, 1))

    def place(point: tuple[float, float]) -> tuple[float, float]:
        across = (math.log(point[0]) - x_low) / (x_high - x_low) * (WIDTH - LEFT - RIGHT)
        return LEFT + across, TOP + (y_high - math.log(point[1])) / (y_high - y_low) * HEIGHT

    bottom, (_, level) = TOP + HEIGHT, place(every[-1])
    parts = [
        f'<path d="M{LEFT} {TOP}V{bottom}H{WIDTH - RIGHT}" class="axis" fill="none"/>',
        f'<line x1="{LEFT}" y1="{level:.1f}" x2="{WIDTH - RIGHT}" y2="{level:.1f}" class="axis"/>',
        text(LEFT + 6, level + 14 if level < TOP + 20 else level - 4, f"limit {limit:g} ms", kind="small"),
        text(0, TOP + 10, f"{math.exp(y_high):.3g}", kind="small"),
        text(0, bottom, f"{math.exp(y_low):.3g}", kind="small"),
        text(LEFT, bottom + 16, f"{math.exp(x_low):.3g} {unit}", kind="small"),
        text(WIDTH - RIGHT - 50, bottom + 16, f"{math.exp(x_high):,.0f}", kind="small"),
    ]
    for number, line in enumerate(lines):
        parts += _drawn(line.kind, [place(point) for point in line.points])
        y = bottom + 40 + number * LINE
        parts += _drawn(line.kind, [(0.0, y - 4), (18.0, y - 4), (36.0, y - 4)])
        parts.append(text(46, y, line.label, kind="small"))
    return figure(title, f"{len(lines)} lines by {unit}", parts, height=bottom + 40 + len(lines) * LINE)


def _drawn(kind: str, places: Sequence[tuple[float, float]]) -> list[str]:
    """A line with marks: discs for torch, squares for others, whose lines are dashed, too."""
    joined = " ".join(f"{x:.1f},{y:.1f}" for x, y in places)
    name = "torch" if kind == "torch" else "paddle"
    dashes = "" if kind == "torch" else ' stroke-dasharray="5 3"'
    marks = places if len(places) <= MARKS else places[:: -(-len(places) // MARKS)]
    return [f'<polyline points="{joined}" class="line {name}-line"{dashes}/>'] + [
        f'<circle cx="{x:.1f}" cy="{y:.1f}" r="2.5" class="{name}"/>'
        if kind == "torch"
        else f'<rect x="{x - 2.5:.1f}" y="{y - 2.5:.1f}" width="5" height="5" class="{name}"/>'
        for x, y in marks
    ]


def _range(values: Sequence[float]) -> tuple[float, float]:
    low, high = min(values), max(values)
    return (low, high) if low < high else (low - 0.5, high + 0.5)
