"""Line charts: told apart by dashes and marks as well as by colour, the last value of each written out."""

from collections.abc import Sequence
from dataclasses import dataclass

from benchmarks.report.charts import WIDTH, figure, text

LEFT, RIGHT, TOP, HEIGHT, LINE = 48, 14, 10, 150, 18
MARKS = 25  # points at most that get a mark of their own


@dataclass(frozen=True, kw_only=True)
class Line:
    """Points (x, y) in the order of x; ``kind`` is the backend whose colour and dashes it has."""

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
