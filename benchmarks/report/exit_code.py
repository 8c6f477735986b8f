"""The exit code that results earn, and the one line on stderr that explains it."""

from collections.abc import Sequence
from pathlib import Path

from benchmarks.analysis import regression
from benchmarks.parity.plan import INCOMPLETE
from benchmarks.parity.text.divergence import failure
from benchmarks.report.memory import is_memory_known
from benchmarks.results.formatting import labeller
from benchmarks.results.schema import UNEQUAL_SETTINGS, Against, CompareReport, Comparison, Result
from benchmarks.results.sentences import translated
from common import cli
from common.language import ENGLISH, Language


def judge(
    program: str,
    rows: Sequence[Result],
    comparisons: Sequence[Comparison] = (),
    say: Language = ENGLISH,
) -> int:
    """0 if something was measured and nothing broke; 2 if the two sides are not comparable; else 3."""
    unequal = [row for row in comparisons if (row.reason or "").startswith(UNEQUAL_SETTINGS)]
    if unequal:
        reason = translated(unequal[0].reason or "", say)
        cli.complain(program, say("not comparable, {phase}: {reason}", phase=unequal[0].phase, reason=reason))
        return cli.WRONG_REQUEST
    broken = [row for row in rows if row.status in ("crashed", "timeout")]
    missing = [row for row in rows if row.status != "ok"]
    if broken or len(missing) == len(rows):
        first = (broken or missing)[0]
        line = say(
            "{backend}, {phase}: {status}: {reason}",
            backend=first.backend,
            phase=first.phase,
            status=say(first.status),
            reason=translated(first.reason or "", say),
        )
        if len(missing) > 1:
            message = "{line} ({missing} of {all} results are missing)"
            line = say(message, line=line, missing=len(missing), all=len(rows))
        cli.complain(program, line)
        return cli.UNAVAILABLE
    return cli.DONE


def judge_comparison(
    program: str, report: CompareReport, *, before: Path | None, say: Language = ENGLISH
) -> int:
    """Parity counts first, then the baseline in ``before``, what could not be measured, and disturbances."""
    verdict = report.parity["verdict"] if report.parity else "pass"
    if report.parity and verdict != "pass":
        cli.complain(program, say("{reason}; nothing was timed", reason=failure(report.parity, say)))
        return {"fail": cli.FAILED, INCOMPLETE: cli.UNAVAILABLE}.get(verdict, cli.WRONG_REQUEST)
    if before and not report.regressions and any(row.status == "ok" for row in report.results):
        message = "{file}: holds nothing of what was measured; give the same flags, --threads too"
        cli.complain(program, say(message, file=before))
        return cli.WRONG_REQUEST
    slower = [entry for entry in report.regressions if entry.regression]
    if slower:
        cli.complain(program, regression.sentence(slower[0], say))
        return cli.FAILED
    unseen = [entry for entry in report.regressions if entry.undecided]
    return (
        judge(program, report.results, report.comparisons, say)
        or _undecided(program, [regression.sentence(entry, say) for entry in unseen], say)
        or _nothing_known(program, report, say)
    )


def _nothing_known(program: str, report: CompareReport, say: Language) -> int:
    """As ``nothing_valid`` says of all but memory that was followed, which others do not change."""
    speeds = [row for row in report.comparisons if not is_memory_known(row, report.results)]
    return nothing_valid(program, speeds, say)


def judge_against(
    program: str,
    entries: Sequence[Against],
    sentences: Sequence[str],
    *,
    place: str,
    say: Language = ENGLISH,
) -> int:
    """1 for a regression; 3 where a comparison could not be made; 4 where a slowdown might not show."""
    lines = [say("against {place}: {line}", place=place, line=line) for line in sentences]
    slower = [line for line, entry in zip(lines, entries, strict=True) if entry.regression]
    if slower:
        cli.complain(program, slower[0])
        return cli.FAILED
    undone = [line for line, entry in zip(lines, entries, strict=True) if _is_undone(entry)]
    if undone:
        cli.complain(program, undone[0])
        return cli.UNAVAILABLE
    unseen = [line for line, entry in zip(lines, entries, strict=True) if entry.undecided]
    return _undecided(program, unseen, say)


def _is_undone(entry: Against) -> bool:
    """True if there is no change to judge, and not because the machine was disturbed."""
    return entry.change is None and not entry.undecided


def _undecided(program: str, lines: Sequence[str], say: Language) -> int:
    if not lines:
        return cli.DONE
    more = len(lines) - 1
    cli.complain(program, say("{line} (and {more} more)", line=lines[0], more=more) if more else lines[0])
    return cli.UNDECIDED


def nothing_valid(program: str, comparisons: Sequence[Comparison], say: Language = ENGLISH) -> int:
    """4 if others disturbed every combination that both sides measured."""
    judged = [row for row in comparisons if row.verdict != "not comparable"]
    if not judged or any(row.verdict != "invalid" for row in judged):
        return cli.DONE
    first = judged[0]
    case, reason = labeller(judged, say)(first), translated(first.reason or "", say)
    cli.complain(program, say("nothing valid is left; {case}: {reason}", case=case, reason=reason))
    return cli.UNDECIDED
