"""Memory over many shapes: whether it grows, and a picture."""

from collections.abc import Sequence

from tabulate import tabulate

from benchmarks.analysis.memory_growth import in_words
from benchmarks.report.badge import Badge
from benchmarks.report.charts import Axis, Line, line_chart
from benchmarks.report.figures import Table
from benchmarks.report.section import Section
from benchmarks.results.formatting import labeller
from benchmarks.results.schema import CompareReport, Comparison, Result
from benchmarks.results.sentences import translated
from benchmarks.results.service import MemoryGrowth
from common.language import ENGLISH, Language

MOST_ROWS = 40  # of the table of a picture


def memory_lines(results: Sequence[Result], say: Language = ENGLISH) -> list[str]:
    """The table of growth; nothing where phase soak was not asked for."""
    soaked = _soaked(results)
    if not soaked:
        return []
    table = tabulate(_rows(say, soaked), headers=_columns(say), tablefmt="simple", disable_numparse=True)
    return ["", _heading(say, soaked[0][1]), "", table, "", *_stopped(say, soaked)]


def memory_section(say: Language, report: CompareReport) -> Section | None:
    """The same on a page, with memory by step."""
    soaked = _soaked(report.results)
    if not soaked:
        return None
    label = labeller([row for row, _ in soaked], say)
    lines: dict[str, list[Line]] = {}
    for row, found in soaked:
        points = [(float(found.every * (i + 1)), mib) for i, mib in enumerate(found.resident_mib)]
        if points:
            line = Line(label=row.backend, kind=row.backend, points=points)
            lines.setdefault(label(row), []).append(line)
    note = say(
        "Resident memory of the whole worker, on the host, over steps of drawn shapes and batch sizes, the "
        "same for both. The growth is that from block to block of the steps after the first quarter, with "
        "its 95 % interval; one jump is no growth. Steady: with the growth that would have shown four times "
        "in five."
    )
    return Section(
        title=say("Memory over many shapes"),
        note=say.space.join([_heading(say, soaked[0][1]), note, *_stopped(say, soaked)]),
        columns=_columns(say),
        rows=_rows(say, soaked),
        charts=[_chart(say, words, own) for words, own in lines.items()],
    )


def memory_answer(say: Language, report: CompareReport) -> list[str]:
    """A sentence on each combination of which memory was followed: whether it grows, side by side."""
    soaked = _soaked(report.results)
    label = labeller([row for row, _ in soaked], say)
    found: dict[str, list[str]] = {}
    for row, growth in soaked:
        found.setdefault(label(row), []).append(f"{row.backend} {in_words(growth, say)}")
    message = "Memory over many shapes ({combination}): {sides}."
    return [say(message, combination=name, sides=say.joined(sides)) for name, sides in found.items()]


def memory_badges(say: Language, report: CompareReport) -> list[Badge]:
    """One for each combination of which memory was followed."""
    soaked: dict[str, list[tuple[Result, MemoryGrowth]]] = {}
    for row, growth in _soaked(report.results):
        soaked.setdefault(row.case.batch, []).append((row, growth))
    return [_badge(say, batch, own) for batch, own in soaked.items()]


def _badge(say: Language, batch: str, own: Sequence[tuple[Result, MemoryGrowth]]) -> Badge:
    sides = [
        say.joined([say("{side} ({way})", side=row.backend, way=row.engine), in_words(growth, say)], by=": ")
        for row, growth in own
    ]
    verdicts = {growth.verdict for _, growth in own}
    growing = [row.backend for row, growth in own if growth.verdict == "grows"]
    if growing:
        kind, word, figure = "invalid", say("memory grows"), say("with {sides}", sides=say.joined(growing))
    elif "too short" in verdicts:
        kind, word, figure = "undecided", say("undecided"), say("too few steps to tell")
    else:
        kind, word, figure = "faster", say("steady"), say("no growth was found")
    title = say("Memory over many shapes, batch {batch}", batch=batch)
    return Badge(title=title, kind=kind, word=word, figure=figure, sides=sides)


def is_memory_known(row: Comparison, results: Sequence[Result]) -> bool:
    """True if memory was followed long enough on a side of what a comparison is of: that needs no quiet."""
    own = [result.memory_growth for result in results if result.case == row.case]
    return any(growth is not None and growth.mib_per_100_steps is not None for growth in own)


def _chart(say: Language, words: str, lines: Sequence[Line]) -> str:
    steps = sorted({step for own in lines for step, _ in own.points})
    steps = steps[:: max(1, len(steps) // MOST_ROWS)] + steps[-1:]
    found = [dict(own.points) for own in lines]
    return line_chart(
        say("Resident memory, MiB: {combination}", combination=words),
        lines,
        x=Axis(label=say("step")),
        y=Axis(label="MiB"),
        table=Table(
            heading=say("Numbers"),
            columns=[say("step"), *(f"{own.kind}, MiB" for own in lines)],
            rows=[
                [f"{step:,g}", *("-" if step not in own else f"{own[step]:,.0f}" for own in found)]
                for step in dict.fromkeys(steps)
            ],
        ),
        say=say,
    )


def _soaked(results: Sequence[Result]) -> list[tuple[Result, MemoryGrowth]]:
    return [(row, row.memory_growth) for row in results if row.memory_growth is not None]


def _columns(say: Language) -> list[str]:
    first = [say("backend"), say("combination"), say("steps")]
    return [*first, say("MiB after the first"), say("at the end"), say("memory")]


def _heading(say: Language, found: MemoryGrowth) -> str:
    return say(
        "Memory over {steps} steps of 1 to {most} images of {sides}.",
        steps=f"{found.asked_steps:,}",
        most=found.most_batch,
        sides=", ".join(f"{side} x {side}" for side in found.shapes),
    )


def _stopped(say: Language, soaked: Sequence[tuple[Result, MemoryGrowth]]) -> list[str]:
    return [
        say("{side} stopped {where}.", side=row.backend, where=translated(found.stopped, say))
        for row, found in soaked
        if found.stopped
    ]


def _rows(say: Language, soaked: Sequence[tuple[Result, MemoryGrowth]]) -> list[list[str]]:
    label = labeller([row for row, _ in soaked], say)
    return [
        [
            row.backend,
            label(row),
            f"{found.steps:,}",
            *(
                [f"{found.resident_mib[place]:,.0f}" for place in (0, -1)]
                if found.resident_mib
                else ["-", "-"]
            ),
            in_words(found, say),
        ]
        for row, found in soaked
    ]
