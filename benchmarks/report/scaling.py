"""Scaling over processes: a section of the pages, and lines of a printed table."""

from benchmarks.analysis.scaling import oversubscribed
from benchmarks.report.section import Section
from benchmarks.results.formatting import interval, number
from benchmarks.results.schema import CompareReport, Report, Result

COLUMNS = (
    "backend",
    "phase",
    "engine",
    "precision",
    "batch of each",
    "threads of each",
    "processes",
    "images/s",
    "efficiency",
    "communicating",
)
NOTE = (
    "Every process has a batch and threads of its own, equally many with both backends and in groups of any "
    "size. Efficiency is the throughput of all over as many times that of one process; communicating is the "
    "part of a training step that sending gradients, and waiting for them, adds to computing: steps with it "
    "against steps without, in turns. Replicas that infer send nothing."
)


def scaling_section(report: CompareReport) -> Section | None:
    """Throughput, efficiency and communication by number of processes, and which backend scales better."""
    rows = [_cells(row) for row in _shown(report)]
    if not rows:
        return None
    return Section(title="Scaling", note=" ".join([NOTE, *_verdicts(report)]), columns=COLUMNS, rows=rows)


def scaling_lines(report: Report) -> list[str]:
    """The same for people at a terminal.

    Returns no lines if there was only one process.
    """
    from tabulate import tabulate

    rows = [_cells(row) for row in _shown(report)]
    if not rows:
        return []
    right = ["left" if name in COLUMNS[:4] else "right" for name in COLUMNS]
    table = tabulate(rows, headers=COLUMNS, tablefmt="simple", colalign=right, disable_numparse=True)
    return ["Scaling:", table, *_verdicts(report), ""]


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


def _verdicts(report: Report) -> list[str]:
    lines = [
        f"{row.phase} {row.engine} {row.precision} batch {row.batch_size}, {row.processes} processes: "
        f"efficiency of paddle / torch {number(row.ratio)} ({interval(row.ratio_ci95)}): "
        f"{row.verdict}."
        for row in (report.scaling if isinstance(report, CompareReport) else ())
    ]
    cores = report.environment.get("cores")
    crowded = [oversubscribed(row, cores) for row in report.results if row.processes > 1]
    lines += [f"Oversubscribed: {sentence}." for sentence in dict.fromkeys(crowded) if sentence]
    if all(row.processes > 1 for row in report.results):
        lines.append("Efficiency needs one process as well: --processes 1,N.")
    return lines
