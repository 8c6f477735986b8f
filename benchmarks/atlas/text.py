"""The atlas in words: a row's sentence, a summary by family, what a porter has to know."""

from collections import Counter
from collections.abc import Sequence
from statistics import geometric_mean

from tabulate import tabulate

from backends import NAMES
from benchmarks.atlas.judging.judge import BOTH_REFUSE, SAME
from benchmarks.atlas.row import EQUAL, ERROR, ROUNDED, VERDICTS, AtlasReport, Row

COLUMNS = ("family", "cases", *VERDICTS, "other at an edge")


def summary(report: AtlasReport) -> str:
    """A table by family, as Markdown."""
    families = dict.fromkeys(row.family for row in report.rows)
    rows = [_counts(name, [row for row in report.rows if row.family == name]) for name in families]
    rows.append(_counts("all", report.rows))
    return tabulate(rows, headers=COLUMNS, tablefmt="github")


def _counts(name: str, rows: Sequence[Row]) -> list[str | int]:
    counts = Counter(row.verdict for row in rows)
    return [
        name,
        len(rows),
        *(counts[verdict] for verdict in VERDICTS),
        sum(bool(odd_edges(r)) for r in rows),
    ]


def odd_edges(row: Row) -> dict[str, str]:
    """Edges that the two sides take differently, of a row that agrees elsewhere."""
    verdict = row.missing.verdict if row.missing else row.verdict
    if verdict not in (EQUAL, ROUNDED):
        return {}
    return {edge: text for edge, text in row.edges.items() if text not in (SAME, BOTH_REFUSE)}


def heading(report: AtlasReport) -> str:
    """What was compared, and how many cases of how many operations."""
    sides = " and ".join(_side(report, name) for name in report.sides)
    operations = len({(row.family, row.operation) for row in report.rows})
    return f"{sides}: {len(report.rows)} cases of {operations} operations"


def _side(report: AtlasReport, name: str) -> str:
    """A side with its version: "torch 2.14.1", or "paddle 2.6.2 (there)"."""
    facts = report.environment["backends"][name]
    framework = next(word for word in NAMES if word in facts)
    return f"{framework} {facts[framework]}" + ("" if name == framework else f" ({name})")


def spelled(row: Row) -> str:
    """Both spellings, or the one that is both's."""
    own = list(dict.fromkeys(row.spellings.values()))
    return " / ".join(own)


def sentence(row: Row) -> str:
    """Why a row has its verdict, in one line."""
    if row.missing is not None:
        instead = f"; instead {row.missing.instead} ({row.missing.verdict})" if row.missing.instead else ""
        return f"{row.missing.side} has no {row.missing.name}{instead}"
    if row.proof is not None:
        return row.proof.sentence
    if row.rounding is not None:
        return row.rounding.constant
    if row.verdict == ERROR:
        return row.reason or ""
    if row.verdict != EQUAL:
        return f"{row.where}: {row.reason}" if row.reason else row.where or ""
    return ""


def size(row: Row) -> str:
    """The distance in float64, for people."""
    return "" if row.size is None else "0" if not row.size else f"{row.size:.1e}"


def speed(row: Row) -> str:
    """The geometric mean of the ratios of a row's parts and sizes."""
    ratios = [entry.ratio for entry in row.speed if entry.ratio]
    return f"{geometric_mean(ratios):.2f}" if ratios else ""


def table(rows: Sequence[Row]) -> str:
    """Rows with verdict, distance and reason, for a terminal."""
    lines = [[row.id, row.verdict, size(row), speed(row), sentence(row)[:110]] for row in rows]
    return tabulate(lines, headers=["case", "verdict", "distance", "ratio", "why"], disable_numparse=True)


def report_text(report: AtlasReport) -> str:
    """What the command prints: the rows that are not equal, and the summary."""
    told = [row for row in report.rows if row.verdict != EQUAL or row.speed]
    parts = [heading(report), *([table(told)] if told else []), summary(report)]
    return "\n\n".join(parts)
