"""From the start of a process to its first answer: stacked bars with their numbers, and what is installed."""

from collections.abc import Sequence
from typing import NamedTuple

from tabulate import tabulate

from benchmarks.report.charts import Stack, stacked_chart
from benchmarks.report.figures import Table
from benchmarks.report.section import Section, without_empty
from benchmarks.results.formatting import labeller, number
from benchmarks.results.schema import CompareReport, Result
from benchmarks.results.sentences import translated
from common.language import ENGLISH, Language

MIB = 2**20


class _Start(NamedTuple):
    """Seconds of a row's starts: medians of import, build, load and first answer, and of the whole."""

    row: Result
    parts: Sequence[float | None]
    total: float
    starts: int


def cold_start_lines(report: CompareReport, say: Language = ENGLISH) -> list[str]:
    """The table for terminals; nothing where no process was started for it."""
    section = cold_start_section(say, report)
    if section is None:
        return []
    table = tabulate(section.rows, headers=section.columns, tablefmt="simple", disable_numparse=True)
    return ["", say("From start to first answer, seconds:"), "", table, *_installed(say, report), ""]


def cold_start_section(say: Language, report: CompareReport) -> Section | None:
    """The same on a page, with a bar of each side's parts."""
    found = _found(report.results)
    if not found:
        return None
    label = labeller([each.row for each in found], say)
    note = say(
        "A new process of each side, while nothing else ran: it imports the framework, builds the model, "
        "loads its weights or what was compiled ahead, and computes a first batch. Medians of so many "
        "starts, of each part and of the total; the files were in the machine's cache. Deployed: on disk, "
        "what was compiled ahead, else the weights."
    )
    columns = [say("combination"), say("backend"), *(f"{name} s" for name in _parts(say))]
    rows = [
        [
            *(label(each.row), each.row.backend, *map(number, each.parts), number(each.total)),
            *(str(each.starts), number(each.row.deployed_bytes / MIB if each.row.deployed_bytes else None)),
        ]
        for each in found
    ]
    return without_empty(
        Section(
            title=say("From start to first answer"),
            note=say.space.join([note, *_installed(say, report)]),
            columns=[*columns, say("total s"), say("starts"), say("deployed MiB")],
            rows=rows,
            charts=[_bars(say, found)],
            lines=_without_answer(say, report),
        )
    )


def _without_answer(say: Language, report: CompareReport) -> list[str]:
    """A line on each start that gave no answer."""
    label = labeller(report.results, say)
    message = "{backend} {case}: no first answer: {reason}"
    return [
        say(message, backend=row.backend, case=label(row), reason=translated(row.cold_start_reason, say))
        for row in report.results
        if row.cold_start_reason
    ]


def _parts(say: Language) -> list[str]:
    return [say("import"), say("build"), say("load"), say("first answer")]


def _bars(say: Language, found: Sequence[_Start]) -> str:
    """A bar for each side, those of a combination below each other."""
    label = labeller([each.row for each in found], say)
    stacks = [
        Stack(label=label(each.row), backend=each.row.backend, values=[part or 0.0 for part in each.parts])
        for each in sorted(found, key=lambda each: label(each.row))
    ]
    rows = [[f"{each.row.backend}, {label(each.row)}", *map(number, each.parts)] for each in found]
    return stacked_chart(
        say("Seconds from start to first answer"),
        stacks,
        _parts(say),
        unit="s",
        table=Table(heading=say("Numbers"), columns=["s", *_parts(say)], rows=rows),
        say=say,
    )


def _installed(say: Language, report: CompareReport) -> list[str]:
    """How large each framework is; nothing where that is not known."""
    found: dict[str, int] = report.environment.get("installed_bytes") or {}
    if not found:
        return []
    sizes = say.joined(f"{name} {number(size / MIB)} MiB" for name, size in found.items())
    return [say("Installed, each with all that it requires: {sizes}.", sizes=sizes)]


def _found(rows: Sequence[Result]) -> list[_Start]:
    """Of phase startup, and of what was started beside other phases."""
    found = []
    for row in rows:
        begun = row.cold_start
        if begun is not None:
            parts = (begun.import_seconds, begun.build_seconds, begun.load_seconds, begun.first_batch_seconds)
            found.append(_Start(row, parts, begun.total_seconds, begun.starts))
        elif row.phase == "startup" and row.latency_ms is not None:
            own = (row.import_seconds, row.build_seconds, row.load_seconds, row.first_batch_seconds)
            starts = row.latency_ms.n or len(row.step_seconds)
            found.append(_Start(row, own, row.latency_ms.p50 / 1000, starts))
    return found
