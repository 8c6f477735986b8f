"""Scaling over processes: a section of the pages, and lines of a printed table."""

from benchmarks.analysis.scaling import oversubscribed
from benchmarks.report.section import Section
from benchmarks.results.formatting import interval, number
from benchmarks.results.schema import CompareReport, Report, Result
from common.language import ENGLISH, Language

WORDS = 4  # columns of text before those of numbers


def scaling_section(say: Language, report: CompareReport) -> Section | None:
    """Throughput, efficiency and communication by number of processes, and which backend scales better."""
    rows = [_cells(row) for row in _shown(report)]
    if not rows:
        return None
    note = say(
        "Every process has a batch and threads of its own, equally many with both backends and in groups of "
        "any size. Efficiency is the throughput of all over as many times that of one process; communicating "
        "is the part of a training step that sending gradients, and waiting for them, adds to computing: "
        "steps with it against steps without, in turns. Replicas that infer send nothing."
    )
    words = say.space.join([note, *_verdicts(say, report)])
    return Section(title=say("Scaling"), note=words, columns=_columns(say), rows=rows)


def _columns(say: Language) -> list[str]:
    first = [say("backend"), say("phase"), say("engine"), say("precision")]
    sizes = [say("batch of each"), say("threads of each"), say("processes")]
    return [*first, *sizes, "images/s", say("efficiency"), say("communicating")]


def scaling_lines(report: Report, say: Language = ENGLISH) -> list[str]:
    """The same for people at a terminal.

    Returns no lines if there was only one process.
    """
    from tabulate import tabulate

    rows = [_cells(row) for row in _shown(report)]
    if not rows:
        return []
    columns = _columns(say)
    right = ["left" if place < WORDS else "right" for place, _ in enumerate(columns)]
    table = tabulate(rows, headers=columns, tablefmt="simple", colalign=right, disable_numparse=True)
    return [say("Scaling:"), table, *_verdicts(say, report), ""]


def _shown(report: Report) -> list[Result]:
    """The rows that were measured, if there are some of several processes."""
    if all(row.processes == 1 for row in report.results):
        return []
    return [row for row in report.results if row.status == "ok" and row.phase in ("infer", "train")]


def _cells(row: Result) -> list[str]:
    facts = [row.backend, row.phase, row.engine, row.precision, str(row.batch_size), str(row.threads)]
    shares = (row.scaling_efficiency, row.communicating_fraction)
    figures = ["-" if share is None else f"{share:.1%}" for share in shares]
    return [*facts, str(row.processes), number(row.images_per_second), *figures]


def _verdicts(say: Language, report: Report) -> list[str]:
    lines = [
        say(
            "{case}, {processes} processes: efficiency of paddle / torch {ratio} ({interval}): {verdict}.",
            case=f"{row.phase} {row.engine} {row.precision} batch {row.batch_size}",
            processes=row.processes,
            ratio=number(row.ratio),
            interval=interval(row.ratio_ci95, say),
            verdict=say(row.verdict),
        )
        for row in (report.scaling if isinstance(report, CompareReport) else ())
    ]
    cores = report.environment.get("cores")
    crowded = [oversubscribed(row, cores, say) for row in report.results if row.processes > 1]
    lines += [say("Oversubscribed: {line}.", line=line) for line in dict.fromkeys(crowded) if line]
    if all(row.processes > 1 for row in report.results):
        lines.append(say("Efficiency needs one process as well: --processes 1,N."))
    return lines
