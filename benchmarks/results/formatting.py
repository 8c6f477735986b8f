"""Combinations and figures in words."""

import math
from collections.abc import Callable, Iterable, Sequence

from benchmarks.results.schema import CaseRecord
from common.language import ENGLISH, Language
from common.terminal import printable


def labeller(rows: Sequence[CaseRecord], say: Language = ENGLISH) -> Callable[[CaseRecord], str]:
    """A function that names a row's combination.

    Threads are named only if the rows differ in them. A combination is the flags' values, in any language.
    """
    several = len({row.threads for row in rows}) > 1

    def label(row: CaseRecord) -> str:
        if several and row.threads:
            return say("{case}, {threads} threads", case=row.case, threads=row.threads)
        return str(row.case)

    return label


def number(value: float | None, digits: int = 3) -> str:
    """A figure with so many significant digits, zeros too.

    A missing figure is a dash.
    """
    if value is None:
        return "-"
    return f"{value:,.0f}" if abs(value) >= 1000 else f"{value:#.{digits}g}".rstrip(".")


def given_words(input_shape: Sequence[int], inputs: Sequence[str], say: Language = ENGLISH) -> str:
    """Images of a shape, or ``inputs``, as InputSpec has them in text."""
    if inputs:
        return say("inputs {inputs}", inputs=say.joined(inputs))
    return say("images {shape}", shape="x".join(map(str, input_shape)))


def markdown_text(value: object) -> str:
    """Text as Markdown shows it: no tags, no further lines, no end of a table's cell."""
    words = " ".join(str(value).split())
    for letter, shown in (("&", "&amp;"), ("<", "&lt;"), (">", "&gt;"), ("|", "\\|")):
        words = words.replace(letter, shown)
    return printable(words)


UNUSABLE = "unusable"  # instead of a figure that says nothing


def interval(ends: tuple[float, float] | None, say: Language = ENGLISH) -> str:
    """Both ends of an interval; a dash where there is none, and no figures beyond ±100 %."""
    if ends is None:
        return "-"
    if half_width(ends) > 1:
        return say(UNUSABLE)
    return say("{low} to {high}", low=number(ends[0]), high=number(ends[1]))


def listed(values: Iterable[object], say: Language = ENGLISH) -> str:
    """1, 8 and 32."""
    *others, last = map(str, values)
    return say("{others} and {last}", others=", ".join(others), last=last) if others else last


def half_width(ends: tuple[float, float]) -> float:
    """Half of an interval of a ratio, relative: 1 for a half to twice the ratio."""
    low, high = ends
    return math.sqrt(high / low) - 1 if low > 0 and high < math.inf else math.inf


def signed(change: float | None, say: Language = ENGLISH) -> str:
    """A relative change as +x %; a dash where there is none, and no figure beyond ±100 %."""
    if change is None:
        return "-"
    return f"{change:+.1%}" if abs(change) <= 1 else say(UNUSABLE)


def plus_minus(width: float | None, digits: int = 1, *, say: Language = ENGLISH) -> str:
    """A relative half width as ±x %; a dash where there is none, and no figure beyond ±100 %."""
    if width is None:
        return "-"
    return f"±{width * 100:.{digits}f} %" if width <= 1 else say(UNUSABLE)
