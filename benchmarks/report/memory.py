"""Memory over many shapes: whether it grows, and a picture."""

from collections.abc import Sequence

from tabulate import tabulate

from benchmarks.analysis.memory_growth import in_words
from benchmarks.report.charts import Line, line_chart
from benchmarks.report.section import Section
from benchmarks.results.formatting import labeller
from benchmarks.results.schema import CompareReport, Result
from benchmarks.results.service import MemoryGrowth

COLUMNS = ("backend", "combination", "steps", "MiB after the first", "at the end", "memory")
NOTE = (
    "Resident memory of the whole worker, on the host, over steps of drawn shapes and batch sizes, the same "
    "for both. The growth is that from block to block of the steps after the first quarter, with its 95 % "
    "interval; one jump is no growth. Steady: with the growth that would have shown four times in five."
)


def memory_lines(results: Sequence[Result]) -> list[str]:
    """The table of growth; nothing where phase soak was not asked for."""
    soaked = _soaked(results)
    if not soaked:
        return []
    table = tabulate(_rows(soaked), headers=COLUMNS, tablefmt="simple", disable_numparse=True)
    return ["", _heading(soaked[0][1]), "", table, "", *_stopped(soaked)]


def memory_section(report: CompareReport) -> Section | None:
    """The same on a page, with memory by step."""
    soaked = _soaked(report.results)
    if not soaked:
        return None
    label = labeller([row for row, _ in soaked])
    lines: dict[str, list[Line]] = {}
    for row, found in soaked:
        points = [(float(found.every * (i + 1)), mib) for i, mib in enumerate(found.resident_mib)]
        if points:
            lines.setdefault(label(row), []).append(
                Line(label=f"{row.backend}, MiB", kind=row.backend, points=points)
            )
    return Section(
        title="Memory over many shapes",
        note=" ".join([_heading(soaked[0][1]), NOTE, *_stopped(soaked)]),
        columns=COLUMNS,
        rows=_rows(soaked),
        charts=[
            line_chart(f"Resident memory, MiB: {words}", own, unit="step") for words, own in lines.items()
        ],
    )


def _soaked(results: Sequence[Result]) -> list[tuple[Result, MemoryGrowth]]:
    return [(row, row.memory_growth) for row in results if row.memory_growth is not None]


def _heading(found: MemoryGrowth) -> str:
    sides = ", ".join(f"{side} x {side}" for side in found.shapes)
    return f"Memory over {found.asked_steps:,} steps of 1 to {found.most_batch} images of {sides}."


def _stopped(soaked: Sequence[tuple[Result, MemoryGrowth]]) -> list[str]:
    return [f"{row.backend} stopped {found.stopped}." for row, found in soaked if found.stopped]


def _rows(soaked: Sequence[tuple[Result, MemoryGrowth]]) -> list[list[str]]:
    label = labeller([row for row, _ in soaked])
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
            in_words(found),
        ]
        for row, found in soaked
    ]
