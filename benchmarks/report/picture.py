"""The first screen of a report as one SVG, light and dark: for a README, where no page can be shown."""

import re
import textwrap
from collections.abc import Sequence
from html import escape
from pathlib import Path

from benchmarks.report.badge import Badge
from benchmarks.report.badges import advice, badges
from benchmarks.report.circumstances import machine, minute, versions
from benchmarks.report.comparison import own_pairs
from benchmarks.report.forest import drawn, forest_scale, interval_marks
from benchmarks.report.page import TEMPLATES
from benchmarks.report.said import KINDS
from benchmarks.report.words import ratio_cells, verdict_words
from benchmarks.results.formatting import labeller
from benchmarks.results.schema import CompareReport, Comparison
from common.files import write_text
from common.language import Language

SCHEMES = ("light", "dark")
WIDTH, EDGE, GAP = 880.0, 20.0, 14.0
ACROSS, CARD = 3, 118.0  # badges in a row, and the height of one
PLOT, ROW = (250.0, 520.0), 26.0  # from where to where ratios are drawn, and the height of a row
MOST_ROWS = 8
WIDE = 0x2E80  # letters from here on are as wide as high
FONT = "system-ui, -apple-system, 'Segoe UI', Roboto, 'DejaVu Sans', 'Noto Sans CJK SC', sans-serif"
RULES = """text{font-family:FONT;fill:ink} .quiet{fill:quiet} .torch{fill:torch} .paddle{fill:paddle}
.neutral{fill:quiet} .span{stroke:ink;stroke-width:1.6} .axis{stroke:quiet} .margin{fill:margin}"""


def write_pictures(report: CompareReport, folder: Path, *, language: str) -> list[Path]:
    """Write report-light.svg and report-dark.svg into a folder that is there; returns both paths."""
    paths = []
    for scheme in SCHEMES:
        paths.append(folder / f"report-{scheme}.svg")
        write_text(paths[-1], picture(Language(language), report, scheme=scheme))
    return paths


def picture(say: Language, report: CompareReport, *, scheme: str) -> str:
    """What to choose, the badges, the forest plot, and where it was measured."""
    colour = colours(scheme)
    model = report.results[0].model if report.results else say("nothing measured")
    title = say("PaddlePaddle or PyTorch: {what}", what=model)
    parts = [_text(EDGE, 38, title, size=22, weight=700)]
    y = 62.0
    for line in textwrap.wrap(advice(say, report), 92):
        parts.append(_text(EDGE, y, line, size=15, weight=600))
        y += 21
    found = [badge for badge in badges(say, report) if badge.kind != "missing"][: 2 * ACROSS]
    for place, badge in enumerate(found):
        row, column = divmod(place, ACROSS)
        width = (WIDTH - 2 * EDGE - (ACROSS - 1) * GAP) / ACROSS
        parts += _card(badge, EDGE + column * (width + GAP), y + row * (CARD + GAP), width, colour)
    y += -(-len(found) // ACROSS) * (CARD + GAP) + 20
    plot, y = _forest(say, own_pairs(report), y, colour)
    parts += plot
    environment = report.environment
    facts = (versions(environment), machine(environment), minute(environment.get("date") or ""))
    parts.append(_text(EDGE, y + 22, "; ".join(facts), size=12, kind="quiet"))
    return _whole(title, parts, height=y + 38, colour=colour)


def colours(scheme: str) -> dict[str, str]:
    """The style sheet's colours of a scheme, "light" or "dark"."""
    blocks = re.findall(r":root \{(.*?)\}", (TEMPLATES / "style.css").read_text(), re.DOTALL)
    light, dark = (dict(re.findall(r"--([\w-]+): (#\w+)", block)) for block in blocks[: len(SCHEMES)])
    return light if scheme == "light" else light | dark


def _whole(title: str, parts: Sequence[str], *, height: float, colour: dict[str, str]) -> str:
    rules = re.sub(r"(?<=:)(ink|quiet|torch|paddle|margin)", lambda found: colour[found[0]], RULES)
    head = f'<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 {WIDTH:.0f} {height:.0f}" role="img"'
    return "\n".join(
        [
            f'{head} width="{WIDTH:.0f}" height="{height:.0f}">',
            f"<title>{escape(title)}</title>",
            f"<style>{rules.replace('FONT', FONT)}</style>",
            f'<rect width="100%" height="100%" rx="8" fill="{colour["paper"]}" stroke="{colour["line"]}"/>',
            *parts,
            "</svg>\n",
        ]
    )


def _card(badge: Badge, x: float, y: float, width: float, colour: dict[str, str]) -> list[str]:
    """A badge: its title, its word, the figure, and both sides."""
    parts = [
        f'<rect x="{x:.0f}" y="{y:.0f}" width="{width:.0f}" height="{CARD:.0f}" rx="6" '
        f'fill="{colour["raised"]}" stroke="{colour["line"]}"/>',
        _text(x + 12, y + 22, badge.title, size=13, weight=600),
        *_pill(badge.word, badge.kind, x + 12, y + 30, colour),
        _text(x + 12, y + 70, badge.figure, size=_fitting(badge.figure, width - 24, most=13), weight=700),
    ]
    lines = badge.sides or textwrap.wrap(badge.reason, 46)
    for place, line in enumerate(lines[:2]):
        parts.append(_text(x + 12, y + 89 + 17 * place, line, size=11.5, kind="quiet"))
    return parts


def _em(words: str) -> float:
    """About how wide bold text is, in its font's size: letters of Chinese are square."""
    return sum(1.0 if ord(letter) > WIDE else 0.58 for letter in words)


def _fitting(words: str, width: float, *, most: float) -> float:
    """The font size with which words fit a width."""
    return round(min(most, width / _em(words)), 1)


def _pill(word: str, kind: str, x: float, y: float, colour: dict[str, str]) -> list[str]:
    """A word in the colour of its kind."""
    known = kind if kind in colour else "equal"
    wide = _em(word) * 12.5 + 18
    return [
        f'<rect x="{x:.0f}" y="{y:.0f}" width="{wide:.0f}" height="20" rx="10" fill="{colour[known]}"/>',
        f'<text x="{x + wide / 2:.0f}" y="{y + 14:.0f}" font-size="12" font-weight="600" '
        f'text-anchor="middle" style="fill:{colour[f"{known}-ink"]}">{escape(word)}</text>',
    ]


def _forest(
    say: Language, pairs: Sequence[Comparison], y: float, colour: dict[str, str]
) -> tuple[list[str], float]:
    """The ratios with their intervals, and where they end."""
    rows = [(row, ratio) for row in pairs if (ratio := drawn(row)) is not None][:MOST_ROWS]
    if not rows:
        return [], y
    label = labeller(pairs, say)
    start, end = PLOT
    scale = forest_scale(
        [ratio for _, ratio in rows], {row.margin for row, _ in rows if row.margin}, width=end - start
    )
    bottom = y + ROW * len(rows)
    parts = [_text(start, y - 12, say("← torch faster"), size=12, kind="quiet")]
    parts.append(_text(end, y - 12, say("paddle faster →"), size=12, kind="quiet", anchor="end"))
    inside = []
    for margin in {row.margin for row, _ in rows if row.margin}:
        low, high = scale(1 / (1 + margin / 100)), scale(1 + margin / 100)
        size = f'width="{high - low:.1f}" height="{bottom - y:.0f}"'
        inside.append(f'<rect x="{low:.1f}" y="{y:.0f}" {size} class="margin"/>')
    inside.append(f'<path d="M{scale(1):.1f} {y:.0f}V{bottom:.0f}" class="axis"/>')
    for place, (row, ratio) in enumerate(rows):
        middle = y + ROW * (place + 0.5)
        words = ratio_cells(row, say)
        inside += interval_marks(ratio, scale, y=middle)
        parts.append(_text(EDGE, middle + 5, label(row), size=13, weight=600))
        parts.append(_text(end + 16, middle + 5, f"{words[0]}  ({words[1]})", size=13))
        parts += _pill(verdict_words(row, say), KINDS[row.verdict], end + 186, middle - 10, colour)
    for value in scale.ticks:
        inside.append(_text(scale(value), bottom + 14, f"{value:g}", size=11, kind="quiet", anchor="middle"))
    return [*parts, f'<g transform="translate({start:.0f} 0)">{"".join(inside)}</g>'], bottom + 18


def _text(
    x: float, y: float, words: str, *, size: float, weight: int = 400, kind: str = "", anchor: str = "start"
) -> str:
    kinds = f' class="{kind}"' if kind else ""
    place = f'x="{x:.0f}" y="{y:.0f}" font-size="{size:g}" font-weight="{weight}" text-anchor="{anchor}"'
    return f"<text {place}{kinds}>{escape(words)}</text>"
