"""Charts as SVG figures: series differ by pattern and mark as well as by colour.

Colours are those of the style sheet, from the palette of Okabe and Ito, which colour-blind people can
distinguish (https://jfly.uni-koeln.de/color/).
"""

import math
from collections.abc import Sequence
from dataclasses import dataclass

from wcwidth import wcswidth

from benchmarks.report.axes import Scale, linear, logarithmic, tick_text
from benchmarks.report.figures import WIDTH, Table, bar, figure, line, marker, text
from common.language import ENGLISH, Language

BAR, GAP, LABEL, NUMBER = 16, 14, 16, 62
LEFT, RIGHT, TOP, HEIGHT, LEGEND = 52, 12, 14, 170, 18
MARKS = 25  # points at most that get a mark of their own
LETTER = 6.6  # width of one at most, on average, in a legend
PARTS = ("whole", "middle", "light", "faint")  # shades of the parts of a stacked bar


@dataclass(frozen=True, kw_only=True)
class Bars:
    """One group of bars: a label, and (name of the backend, value, its text) for each."""

    label: str
    bars: Sequence[tuple[str, float | None, str]]


def bar_chart(
    title: str, groups: Sequence[Bars], *, unit: str, table: Table | None = None, say: Language = ENGLISH
) -> str:
    """Horizontal bars from zero, a group under each label."""
    values = [value for group in groups for _, value, _ in group.bars if value]
    longest = max(values, default=1.0)
    parts, y = [], 8.0
    for group in groups:
        y += LABEL
        parts.append(text(0, y - 5, group.label))
        for name, value, words in group.bars:
            length = (value or 0) / longest * (WIDTH - NUMBER - 60)
            parts.append(bar(60, y, length, name))
            parts.append(text(0, y + BAR - 4, name, kind="small"))
            parts.append(text(64 + length, y + BAR - 4, words, kind="small"))
            y += BAR + 2
        y += GAP
    about = say("{number} groups of bars, in {unit}", number=len(groups), unit=unit)
    return figure(title, about, parts, height=y, table=table)


@dataclass(frozen=True, kw_only=True)
class Stack:
    """A bar made of parts, one after the other: its label, its backend, and a value for each part."""

    label: str
    backend: str
    values: Sequence[float]


def stacked_chart(
    title: str,
    stacks: Sequence[Stack],
    names: Sequence[str],
    *,
    unit: str,
    table: Table | None = None,
    say: Language = ENGLISH,
) -> str:
    """Horizontal bars from zero, each of at most four parts in as many shades, with a legend beneath."""
    scale = linear([sum(stack.values) for stack in stacks], start=0, end=WIDTH - 30.0, zero=True)
    parts: list[str] = []
    y, shown = 4.0, ""
    for stack in stacks:
        if stack.label != shown:
            y, shown = y + LABEL + (6 if shown else 0), stack.label
            parts.append(text(0, y - 4, stack.label))
        parts.append(text(0, y + 12, stack.backend, kind="small"))
        parts += _stacked(stack, scale, y=y + 16)
        y += BAR + 20
    parts = _across(scale, top=18, bottom=y, label=unit) + parts  # behind the bars
    x = 0.0
    for place, name in enumerate(names):
        for at, backend in ((x, "torch"), (x + 16, "paddle")):
            kind = f"{backend} {PARTS[place]}"
            parts.append(f'<rect x="{at:.0f}" y="{y + 40:.0f}" width="14" height="12" class="{kind}"/>')
        parts.append(text(x + 36, y + 51, name, kind="small"))
        x += 50 + LETTER * wcswidth(name)
    message = "{number} bars of {parts}, in {unit}"
    about = say(message, number=len(stacks), parts=say.joined(names), unit=unit)
    return figure(title, about, parts, height=y + 60, table=table)


def _stacked(stack: Stack, scale: Scale, *, y: float) -> list[str]:
    parts, begun = [], 0.0
    for place, value in enumerate(stack.values):
        x, end = scale(begun), scale(begun + value)
        parts.append(
            f'<rect x="{x:.1f}" y="{y:.1f}" width="{max(end - x, 0.5):.1f}" height="{BAR}" '
            f'class="{stack.backend} part {PARTS[place]}"/>'
        )
        begun += value
    return parts


@dataclass(frozen=True, kw_only=True)
class Step:
    """A row of a waterfall: a difference, or a total, which begins at zero."""

    label: str
    value: float
    words: str
    total: str = ""  # the backend whose total it is


def waterfall_chart(
    title: str, steps: Sequence[Step], *, unit: str, table: Table | None = None, say: Language = ENGLISH
) -> str:
    """From one side's total to the other's: each difference begins where the last one ended."""
    level, spans = 0.0, []
    for step in steps:
        begin = 0.0 if step.total else level
        level = begin + step.value
        spans.append((min(begin, level), max(begin, level)))
    ends = [end for span in spans for end in span]
    scale = linear(ends, start=6, end=WIDTH - NUMBER - 6.0, zero=True)
    parts: list[str] = []
    y = 4.0
    for step, (low, high) in zip(steps, spans, strict=True):
        name = step.total or ("paddle" if step.value > 0 else "torch")
        parts.append(text(0, y + 12, step.label, kind="label" if step.total else "small"))
        parts.append(bar(scale(low), y + 17, scale(high) - scale(low), name, height=12))
        parts.append(text(scale(high) + 6, y + 27, step.words, kind="small"))
        y += 36
    parts = _across(scale, top=4, bottom=y, label=unit) + parts  # behind the bars
    about = say("Differences one after the other, in {unit}", unit=unit)
    return figure(title, about, parts, height=y + 36, table=table)


def depth_chart(
    title: str,
    points: Sequence[tuple[str, float]],
    *,
    limit: float,
    words: str,
    table: Table | None = None,
    say: Language = ENGLISH,
) -> str:
    """Errors on a logarithmic scale, one row a tensor, with a line where the tolerance lies."""
    known = [value for _, value in points if value > 0]
    scale = logarithmic([*known, limit], start=150, end=WIDTH - 75.0)
    parts, y = [], 22.0
    for label, value in points:
        parts.append(text(0, y + 11, label if len(label) <= 22 else f"{label[:21]}…", kind="small"))
        if value > 0:
            parts.append(marker(scale(value), y + 7, "torch"))
        parts.append(text(WIDTH - 62, y + 11, f"{value:.1e}", kind="small"))
        y += BAR + 2
    parts.append(line(scale(limit), 18, scale(limit), y, kind="axis"))
    end = min(scale(limit) + 40, WIDTH - 4.0)
    parts.append(text(end, 12, f"{words} {limit:.0e}", kind="small", anchor="end"))
    return figure(title, say("Relative L2 distance, logarithmic"), parts, height=y + 8, table=table)


@dataclass(frozen=True, kw_only=True)
class Line:
    """Points (x, y) in the order of x.

    ``kind`` is the backend whose colour and mark it has; ``dashes`` tells lines of one backend apart.
    """

    label: str
    kind: str
    points: Sequence[tuple[float, float]]
    dashes: str = ""


@dataclass(frozen=True, kw_only=True)
class Axis:
    """What an axis shows; ``at``: its marks, where they are not to be round values."""

    label: str
    log: bool = False
    zero: bool = False
    at: Sequence[float] = ()


def line_chart(
    title: str,
    lines: Sequence[Line],
    *,
    x: Axis,
    y: Axis,
    levels: Sequence[tuple[float, str]] = (),
    table: Table | None = None,
    say: Language = ENGLISH,
) -> str:
    """Lines over two axes with marks, with a legend beneath; ``levels`` are horizontal, with their words."""
    every = [point for own in lines for point in own.points]
    across = _scale(x, [point[0] for point in every], start=LEFT, end=WIDTH - RIGHT)
    up = _scale(
        y, [*(point[1] for point in every), *(level for level, _ in levels)], start=TOP + HEIGHT, end=TOP
    )
    parts = _frame(across, up, x, y)
    for level, words in levels:
        parts.append(line(LEFT, up(level), WIDTH - RIGHT, up(level), dashes="2 3"))
        at = up(level) + (14 if up(level) < TOP + 20 else -4)
        parts.append(text(WIDTH - RIGHT, at, words, kind="small", anchor="end"))
    below = TOP + HEIGHT + 54.0
    for place, own in enumerate(lines):
        parts += _drawn(own, [(across(a), up(b)) for a, b in own.points])
        level = below + place * LEGEND
        parts += _drawn(own, [(0.0, level - 4), (18.0, level - 4), (36.0, level - 4)])
        parts.append(text(46, level, own.label, kind="small"))
    height = below + len(lines) * LEGEND - 8
    message = "{number} lines: {vertical} by {across}"
    about = say(message, number=len(lines), vertical=y.label, across=x.label)
    return figure(title, about, parts, height=height, table=table)


def _scale(axis: Axis, values: Sequence[float], *, start: float, end: float) -> Scale:
    if axis.log:
        return logarithmic(values, start=start, end=end)
    return linear(values, start=start, end=end, zero=axis.zero)


def _frame(across: Scale, up: Scale, x: Axis, y: Axis) -> list[str]:
    """Both axes with their marks, faint lines behind, and what they show."""
    bottom = TOP + HEIGHT
    parts = [f'<path d="M{LEFT} {TOP}V{bottom}H{WIDTH - RIGHT}" class="axis" fill="none"/>']
    for value in up.ticks:
        parts.append(line(LEFT, up(value), WIDTH - RIGHT, up(value), kind="grid"))
        parts.append(text(LEFT - 6, up(value) + 4, tick_text(value), kind="tick", anchor="end"))
    for value in x.at or across.ticks:
        parts.append(line(across(value), bottom, across(value), bottom + 4))
        parts.append(text(across(value), bottom + 17, tick_text(value), kind="tick", anchor="middle"))
    parts.append(text(LEFT + 6, TOP - 3, y.label, kind="tick"))
    middle = (LEFT + WIDTH - RIGHT) / 2
    parts.append(text(middle, bottom + 32, x.label, kind="tick", anchor="middle"))
    return parts


def _across(scale: Scale, *, top: float, bottom: float, label: str) -> list[str]:
    """A horizontal axis below bars, with faint lines through them."""
    parts = [line(scale.start, bottom, scale.end, bottom)]
    for value in scale.ticks:
        parts.append(line(scale(value), top, scale(value), bottom, kind="grid"))
        anchor = "start" if value == scale.low else "middle"
        parts.append(text(scale(value), bottom + 14, tick_text(value), kind="tick", anchor=anchor))
    return [*parts, text((scale.start + scale.end) / 2, bottom + 29, label, kind="tick", anchor="middle")]


def _drawn(own: Line, places: Sequence[tuple[float, float]]) -> list[str]:
    """A line with marks: discs for torch, squares for others, whose lines are dashed, too."""
    joined = " ".join(f"{x:.1f},{y:.1f}" for x, y in places)
    name = "torch" if own.kind == "torch" else "paddle"
    dashes = own.dashes or ("" if name == "torch" else "5 3")
    dashed = f' stroke-dasharray="{dashes}"' if dashes else ""
    marks = places if len(places) <= MARKS else places[:: math.ceil(len(places) / MARKS)]
    return [f'<polyline points="{joined}" class="line {name}-line"{dashed}/>'] + [
        marker(x, y, name, size=2.5) for x, y in marks
    ]
