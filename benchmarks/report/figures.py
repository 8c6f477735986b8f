"""A figure of a page: an SVG with its title, what it shows in words, and a table of its numbers."""

from collections.abc import Sequence
from dataclasses import dataclass
from html import escape

WIDTH = 400  # at 400 pixels a unit is a pixel: text stays readable
PATTERN = """<svg width="0" height="0" aria-hidden="true" class="patterns"><defs>
<pattern id="hatch" width="6" height="6" patternUnits="userSpaceOnUse" patternTransform="rotate(45)">
<rect width="6" height="6" class="paddle"/><line x1="0" y1="0" x2="0" y2="6" class="stroke"/></pattern>
</defs></svg>"""  # once a page


@dataclass(frozen=True, kw_only=True)
class Table:
    """The numbers of a figure; the first cell of each row is its heading. ``heading`` opens it."""

    heading: str
    columns: Sequence[str]
    rows: Sequence[Sequence[str]]


def figure(
    title: str,
    description: str,
    parts: Sequence[str],
    *,
    height: float,
    width: float = WIDTH,
    table: Table | None = None,
) -> str:
    """A figure with its title, for eyes and for screen readers, around the parts of an SVG."""
    inside = "".join(parts)
    return (
        f"<figure><figcaption>{escape(title)}</figcaption>"
        f'<svg viewBox="0 0 {width:.0f} {height:.0f}" role="img" aria-label="{escape(title)}">'
        f"<desc>{escape(description)}</desc>{inside}</svg>"
        f"{_numbers(title, table) if table else ''}</figure>"
    )


def _numbers(title: str, table: Table) -> str:
    head = "".join(f'<th scope="col">{escape(name)}</th>' for name in table.columns)
    rows = "".join(
        f'<tr><th scope="row">{escape(first)}</th>{"".join(f"<td>{escape(cell)}</td>" for cell in rest)}</tr>'
        for first, *rest in table.rows
    )
    return (
        f"<details><summary>{escape(table.heading)}</summary>"
        f'<div class="scroll" role="region" tabindex="0" aria-label="{escape(title)}">'
        f"<table><caption>{escape(title)}</caption><thead><tr>{head}</tr></thead>"
        f"<tbody>{rows}</tbody></table></div></details>"
    )


def text(x: float, y: float, words: str, *, kind: str = "label", anchor: str = "start") -> str:
    """Text in a chart at a point, which is its ``anchor``: start, middle or end.

    ``kind`` is "small", "label", or "tick" for a mark of a scale.
    """
    placed = "" if anchor == "start" else f' text-anchor="{anchor}"'
    return f'<text x="{x:.1f}" y="{y:.1f}" class="{kind}"{placed}>{escape(words)}</text>'


def line(x1: float, y1: float, x2: float, y2: float, *, kind: str = "axis", dashes: str = "") -> str:
    """A straight line."""
    dashed = f' stroke-dasharray="{dashes}"' if dashes else ""
    return f'<line x1="{x1:.1f}" y1="{y1:.1f}" x2="{x2:.1f}" y2="{y2:.1f}" class="{kind}"{dashed}/>'


def bar(x: float, y: float, length: float, name: str, *, height: float = 16) -> str:
    """A bar in a backend's colour; paddle's is hatched, too."""
    fill = ' fill="url(#hatch)"' if name == "paddle" else f' class="{name}"'
    return f'<rect x="{x:.1f}" y="{y:.1f}" width="{max(length, 1):.1f}" height="{height:g}"{fill}/>'


def marker(x: float, y: float, kind: str, *, size: float = 4) -> str:
    """A disc for torch, a square for paddle, a rhombus for neither."""
    if kind == "torch":
        return f'<circle cx="{x:.1f}" cy="{y:.1f}" r="{size:g}" class="torch"/>'
    if kind == "paddle":
        corner = f'x="{x - size:.1f}" y="{y - size:.1f}" width="{2 * size:g}" height="{2 * size:g}"'
        return f'<rect {corner} class="paddle"/>'
    far = size + 1
    points = f"{x - far:.1f},{y:.1f} {x:.1f},{y - far:.1f} {x + far:.1f},{y:.1f} {x:.1f},{y + far:.1f}"
    return f'<polygon points="{points}" class="{kind or "neutral"}"/>'
