"""What a CI service shows of a measurement: of both backends, of two versions of one, or of a suite."""

from collections.abc import Mapping, Sequence

from benchmarks.analysis import regression
from benchmarks.ci import of_parity
from benchmarks.ci.annotations import Annotation, Level
from benchmarks.ci.places import place_of
from benchmarks.ci.summary import Summary, machine_line
from benchmarks.parity.text.divergence import failure
from benchmarks.report.answer import answer, confidence
from benchmarks.report.suite_page import missing, sentences
from benchmarks.report.words import ratio_cells, speed_cells, verdict_words
from benchmarks.request.request import Request
from benchmarks.results.formatting import half_width, labeller, number, plus_minus, signed
from benchmarks.results.outcome import Outcome
from benchmarks.results.schema import Against, Change, CompareReport, Comparison, Report, Result

MORE = "measure with more --pairs and --rounds"
ALLOW = "make it as fast as it was, or allow it with --max-regression or --limits"
BAD = ("invalid", "not comparable", "undecided")


def comparison_summary(report: CompareReport) -> Summary:
    """Of ``benchmarks.compare``: parity, then the gate, then the answer."""
    label = labeller(report.comparisons)
    slower = [change for change in report.regressions if change.regression]
    sentence = answer(report)
    if report.parity and report.parity["verdict"] != "pass":
        sentence = f"Nothing was timed: {failure(report.parity)}."
    elif slower:
        sentence = f"{len(slower)} of {len(report.regressions)} slower: {regression.sentence(slower[0])}."
    columns = ("combination", "torch images/s", "paddle images/s", "paddle / torch", "true ratio", "verdict")
    rows = [
        [label(row), *speed_cells(row), *ratio_cells(row)[:2], verdict_words(row)]
        for row in sorted(report.comparisons, key=lambda row: row.verdict not in BAD)
    ]
    return Summary(
        sentence=sentence,
        columns=columns,
        rows=rows,
        noise=confidence(report),
        machine=machine_line(report.environment),
        advice=_comparison_advice(report, slower),
    )


def _comparison_advice(report: CompareReport, slower: Sequence[Change]) -> str:
    if report.parity and report.parity["verdict"] != "pass":
        return "run benchmarks.parity with the same model: it names the layer and what to look at"
    if slower:
        return ALLOW
    if any(change.undecided for change in report.regressions):
        return MORE
    undecided = [row for row in report.comparisons if row.verdict in BAD]
    remedy = next((row.remedy for row in undecided if row.remedy), None)
    if remedy is not None:
        return f"{remedy.flags} would decide it, in about {remedy.minutes:.0f} minutes"
    return (undecided[0].reason or MORE) if undecided else of_parity.NOTHING


def comparison_annotations(report: CompareReport, request: Request) -> list[Annotation]:
    """Broken parity and regressions are errors; what is undecided or invalid is a warning."""
    found = of_parity.annotations(report.parity, request.pair) if report.parity else []
    for change in report.regressions:
        if change.regression or change.undecided:
            level: Level = "error" if change.regression else "warning"
            found.append(_annotation(level, regression.sentence(change), request, change.backend))
    label = labeller(report.comparisons)
    found += [
        _annotation("warning", f"{label(row)}: invalid: {row.reason}", request, "paddle")
        for row in report.comparisons
        if row.verdict == "invalid"
    ]
    return found


def run_summary(report: Report, lines: Sequence[str], *, backend: str, place: str | None) -> Summary:
    """Of ``benchmarks.run``; ``lines`` are the sentences on each combination against ``place``."""
    return _versions(report, lines, place) if place else _one_backend(report, backend)


def run_annotations(report: Report, lines: Sequence[str], request: Request, backend: str) -> list[Annotation]:
    """Regressions are errors; what is undecided, invalid or not comparable is a warning."""
    return [
        _annotation("error" if entry.regression else "warning", line, request, backend)
        for entry, line in zip(report.against, lines, strict=True)
        if entry.regression or entry.undecided or entry.change is None
    ]


def _versions(report: Report, lines: Sequence[str], place: str) -> Summary:
    ordered = sorted(zip(report.against, lines, strict=True), key=lambda pair: _rank(pair[0]))
    slower = [line for entry, line in ordered if entry.regression]
    open_ones = [line for entry, line in ordered if not entry.regression and _rank(entry) < 2]
    total = len(ordered)
    sentence = f"Against {place}: none of {total} combinations is slower than allowed."
    if slower or open_ones:
        what, first = ("slower", slower) if slower else ("not decided", open_ones)
        sentence = f"Against {place}: {len(first)} of {total} combinations {what}: {first[0]}."
    label = labeller(report.against)
    widths = [half_width(entry.change_ci95) for entry in report.against if entry.change_ci95]
    reason = next((entry.reason for entry, _ in ordered if entry.reason), MORE)
    return Summary(
        sentence=sentence,
        columns=("combination", "here images/s", "there images/s", "change", "from", "to", "verdict"),
        rows=[[label(entry), *_change_cells(entry)] for entry, _ in ordered],
        noise=f"changes are known to {plus_minus(max(widths))}" if widths else "no change is known",
        machine=machine_line(report.environment),
        advice=ALLOW if slower else reason if open_ones else of_parity.NOTHING,
    )


def _rank(entry: Against) -> int:
    """Regressions first, then what is open."""
    return 0 if entry.regression else 1 if entry.undecided or entry.change is None else 2


def _change_cells(entry: Against) -> list[str]:
    ends = entry.change_ci95
    speeds = [number(entry.here_images_per_second), number(entry.there_images_per_second)]
    if entry.change is None or ends is None:
        return [*speeds, "-", "-", "-", entry.verdict]
    return [*speeds, *(signed(value - 1) for value in (entry.change, *ends)), entry.verdict]


def _one_backend(report: Report, backend: str) -> Summary:
    label = labeller(report.results)
    rows = sorted(report.results, key=lambda row: row.status == "ok")
    measured = sum(row.status == "ok" for row in rows)
    lost = [row for row in rows if row.status != "ok"]
    return Summary(
        sentence=f"{backend}: {measured} of {len(rows)} combinations were measured.",
        columns=("combination", "images/s", "p50 ms", "steps", "status"),
        rows=[[label(row), *_result_cells(row)] for row in rows],
        noise="; ".join(report.environment.get("warnings") or []) or "nothing disturbed it",
        machine=machine_line(report.environment),
        advice=f"{label(lost[0])}: {lost[0].reason}" if lost else of_parity.NOTHING,
    )


def _result_cells(row: Result) -> list[str]:
    latency = number(row.latency_ms.p50) if row.latency_ms else "-"
    return [number(row.images_per_second), latency, str(len(row.step_seconds)), row.status]


def suite_summary(outcomes: Sequence[Outcome]) -> Summary:
    """Of ``benchmarks.suite``: every pair's parity and ratios, broken ones first."""
    ordered = sorted(outcomes, key=_outcome_rank)
    cases = list(dict.fromkeys(str(row.case) for each in outcomes for row in _rows(each)))
    broken, lost = [each.name for each in ordered if each.parity == "fail"], missing(ordered)
    sentence = ". ".join(sentences(outcomes)) or "Nothing was timed on both sides."
    if broken:
        sentence = f"Parity is broken in {', '.join(broken)}. {sentence}"
    environments = [each.report.environment for each in outcomes if each.report]
    return Summary(
        sentence=sentence,
        columns=("pair", "parity", *cases),
        rows=[[each.name, each.parity, *_ratios(each, cases)] for each in ordered],
        noise="the interval of each ratio is in suite.md",
        machine=machine_line(environments[-1]) if environments else "unknown: nothing was measured",
        advice=lost[0] if lost else of_parity.NOTHING,
    )


def suite_annotations(outcomes: Sequence[Outcome], requests: Mapping[str, Request]) -> list[Annotation]:
    """Pairs whose parity is broken, and those that could not be had."""
    found = []
    for each in outcomes:
        request = requests[each.name]
        if each.report is None:
            found.append(_annotation("warning", f"{each.name}: {each.reason}", request, "paddle"))
        elif each.report.parity:
            found += of_parity.annotations(each.report.parity, request.pair)
    return found


def _outcome_rank(outcome: Outcome) -> int:
    return 0 if outcome.parity == "fail" else 1 if outcome.report is None else 2


def _rows(outcome: Outcome) -> Sequence[Comparison]:
    return outcome.report.comparisons if outcome.report else ()


def _ratios(outcome: Outcome, cases: Sequence[str]) -> list[str]:
    rows = {str(row.case): row for row in _rows(outcome)}
    return [_ratio(rows[case]) if case in rows else "-" for case in cases]


def _ratio(row: Comparison) -> str:
    return row.verdict if row.verdict in BAD[:2] else f"{ratio_cells(row)[0]} {verdict_words(row)}"


def _annotation(level: Level, message: str, request: Request, backend: str) -> Annotation:
    place = place_of(request.sources.get(backend), request.folder)
    return Annotation(level=level, message=message, place=place)
