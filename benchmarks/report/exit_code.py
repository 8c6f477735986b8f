"""The exit code that results earn, and the one line on stderr that explains it."""

from collections.abc import Sequence
from pathlib import Path

from benchmarks.analysis import regression
from benchmarks.parity.plan import INCOMPLETE
from benchmarks.parity.text import failure
from benchmarks.results.formatting import labeller
from benchmarks.results.schema import UNEQUAL_SETTINGS, Against, CompareReport, Comparison, Result
from common import cli


def judge(program: str, rows: Sequence[Result], comparisons: Sequence[Comparison] = ()) -> int:
    """0 if something was measured and nothing broke; 2 if the two sides are not comparable; else 3."""
    unequal = [row for row in comparisons if (row.reason or "").startswith(UNEQUAL_SETTINGS)]
    if unequal:
        cli.complain(program, f"not comparable, {unequal[0].phase}: {unequal[0].reason}")
        return cli.WRONG_REQUEST
    broken = [row for row in rows if row.status in ("crashed", "timeout")]
    missing = [row for row in rows if row.status != "ok"]
    if broken or len(missing) == len(rows):
        first = (broken or missing)[0]
        others = f" ({len(missing)} of {len(rows)} results are missing)" if len(missing) > 1 else ""
        cli.complain(program, f"{first.backend}, {first.phase}: {first.status}: {first.reason}{others}")
        return cli.UNAVAILABLE
    return cli.DONE


def judge_comparison(program: str, report: CompareReport, *, before: Path | None) -> int:
    """Parity counts first, then the baseline in ``before``, what could not be measured, and disturbances."""
    if report.parity and report.parity["verdict"] == "fail":
        cli.complain(program, f"{failure(report.parity)}; nothing was timed")
        return cli.FAILED
    if report.parity and report.parity["verdict"] != "pass":
        cli.complain(program, f"{failure(report.parity)}; nothing was timed")
        return cli.UNAVAILABLE if report.parity["verdict"] == INCOMPLETE else cli.WRONG_REQUEST
    if before and not report.regressions and any(row.status == "ok" for row in report.results):
        lacking = "holds nothing of what was measured; give the same flags, --threads too"
        cli.complain(program, f"{before}: {lacking}")
        return cli.WRONG_REQUEST
    slower = [entry for entry in report.regressions if entry.regression]
    if slower:
        cli.complain(program, regression.sentence(slower[0]))
        return cli.FAILED
    unseen = [entry for entry in report.regressions if entry.undecided]
    return (
        judge(program, report.results, report.comparisons)
        or _undecided(program, [regression.sentence(entry) for entry in unseen])
        or nothing_valid(program, report.comparisons)
    )


def judge_against(program: str, entries: Sequence[Against], sentences: Sequence[str], *, place: str) -> int:
    """1 for a regression; 3 where a comparison could not be made; 4 where a slowdown might not show."""
    slower = [line for line, entry in zip(sentences, entries, strict=True) if entry.regression]
    if slower:
        cli.complain(program, f"against {place}: {slower[0]}")
        return cli.FAILED
    undone = [line for line, entry in zip(sentences, entries, strict=True) if _is_undone(entry)]
    if undone:
        cli.complain(program, f"against {place}: {undone[0]}")
        return cli.UNAVAILABLE
    unseen = [line for line, entry in zip(sentences, entries, strict=True) if entry.undecided]
    return _undecided(program, [f"against {place}: {line}" for line in unseen])


def _is_undone(entry: Against) -> bool:
    """True if there is no change to judge, and not because the machine was disturbed."""
    return entry.change is None and not entry.undecided


def _undecided(program: str, lines: Sequence[str]) -> int:
    if not lines:
        return cli.DONE
    others = f" (and {len(lines) - 1} more)" if len(lines) > 1 else ""
    cli.complain(program, f"{lines[0]}{others}")
    return cli.UNDECIDED


def nothing_valid(program: str, comparisons: Sequence[Comparison]) -> int:
    """4 if others disturbed every combination that both sides measured."""
    judged = [row for row in comparisons if row.verdict != "not comparable"]
    if not judged or any(row.verdict != "invalid" for row in judged):
        return cli.DONE
    first = judged[0]
    cli.complain(program, f"nothing valid is left; {labeller(judged)(first)}: {first.reason}")
    return cli.UNDECIDED
