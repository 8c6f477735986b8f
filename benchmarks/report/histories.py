"""Results in the JSON of tools that keep a history of them; what was not measured is left out and counted.

The formats are published by the tools: Bencher Metric Format
(bencher.dev/docs/reference/bencher-metric-format), github-action-benchmark's customBiggerIsBetter (an array
of name, unit, value, range and extra) and what pytest-benchmark writes with --benchmark-json.
"""

from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

from benchmarks.analysis.best import is_side_of
from benchmarks.report.pytest_benchmark import document
from benchmarks.results.formatting import UNUSABLE, half_width, number
from benchmarks.results.schema import Against, CaseRecord, CompareReport, Comparison, Result

PYTEST_BENCHMARK = "pytest-benchmark"
RATIO, CHANGE, SPEED, LATENCY = "paddle-over-torch", "here-over-there", "throughput", "latency"
UNITS = {SPEED: "images/s", RATIO: "paddle / torch", CHANGE: "here / there", LATENCY: "ms"}


@dataclass(frozen=True, kw_only=True)
class Figure:
    """A number of a history: a rate, a median latency or a ratio, with its 95 % interval if there is one."""

    name: str
    measure: str
    value: float
    interval: tuple[float, float] | None = None
    facts: Mapping[str, Any] = field(default_factory=dict)  # for people


@dataclass(frozen=True, kw_only=True)
class History:
    """What of a report can go into a history: figures, the rows that they are of, and why others cannot."""

    figures: list[Figure]
    rows: list[tuple[str, Result]]
    left_out: list[str]
    environment: Mapping[str, Any]


def history(report: CompareReport) -> History:
    """The report's figures, by names that stay the same from run to run on the same kind of machine."""
    left_out: list[str] = []
    rows = list(_rows(report, left_out))
    figures = [figure for name, row in rows for figure in _of_row(name, row)]
    for pair in report.comparisons:
        reason = _reason(pair, pair.ratio, pair.ratio_ci95)
        if reason:
            left_out.append(f"{name_of(pair, pair.model, pair.device)}: {reason}")
        elif pair.ratio is not None:
            figures.append(_of_pair(pair, pair.ratio))
    for entry in report.against:
        reason = _reason(entry, entry.change, entry.change_ci95)
        if reason:
            left_out.append(f"{_against_name(entry)}: {reason}")
        elif entry.change is not None:
            figures.append(_of_versions(entry, entry.change))
    return History(figures=figures, rows=rows, left_out=left_out, environment=report.environment)


def name_of(row: CaseRecord, model: str, device: str) -> str:
    """A combination as a history names it: in full, whatever else the file holds."""
    threads = f", {row.threads} threads" if row.threads else ""
    return f"{model} {row.case}, {device}{threads}"


def _rows(report: CompareReport, left_out: list[str]) -> Iterator[tuple[str, Result]]:
    """Every row that was measured, and that nobody disturbed too much, with its name."""
    invalid = [pair for pair in report.comparisons if pair.verdict == "invalid"]
    for row in report.results:
        name = f"{row.backend} {name_of(row, row.model, row.device)}"
        if row.status != "ok" or row.images_per_second is None:
            left_out.append(f"{name}: {row.status}: {row.reason or 'it has no throughput'}")
        elif any(is_side_of(row, pair) for pair in invalid) or _is_disturbed(row, report.against):
            left_out.append(f"{name}: invalid: others disturbed it")
        else:
            yield name, row


def _is_disturbed(row: Result, against: Sequence[Against]) -> bool:
    return any(entry.verdict == "invalid" and entry.case == row.case for entry in against)


def _reason(row: Comparison | Against, value: float | None, ends: tuple[float, float] | None) -> str | None:
    """Why a ratio is no figure of a history; None if it is one."""
    if row.verdict in ("invalid", "not comparable") or value is None:
        return f"{row.verdict}: {row.reason or 'it has no ratio'}"
    if ends is None or half_width(ends) > 1:
        return f"{UNUSABLE}: its interval is wider than ±100 %"
    return None


def _of_row(name: str, row: Result) -> Iterator[Figure]:
    assert row.images_per_second is not None
    yield Figure(name=name, measure=SPEED, value=row.images_per_second, facts=_facts(row))
    if row.latency_ms is not None:
        yield Figure(name=name, measure=LATENCY, value=row.latency_ms.p50, facts=_facts(row))


def _facts(row: Result) -> dict[str, Any]:
    facts = {"settings": row.settings_mode, "steps": len(row.step_seconds), "p95 ms": None, "p99 ms": None}
    if row.latency_ms is not None:
        facts |= {"p95 ms": row.latency_ms.p95, "p99 ms": row.latency_ms.p99}
    return {key: value for key, value in facts.items() if value is not None}


def _of_pair(pair: Comparison, ratio: float) -> Figure:
    name = name_of(pair, pair.model, pair.device)
    facts = {"verdict": pair.verdict, "noise": pair.noise, "settings": pair.settings}
    return Figure(name=name, measure=RATIO, value=ratio, interval=pair.ratio_ci95, facts=facts)


def _against_name(entry: Against) -> str:
    there = entry.there
    return f"{there.backend} {name_of(entry, there.model, there.device)}" if there else str(entry.case)


def _of_versions(entry: Against, change: float) -> Figure:
    facts = {"verdict": entry.verdict, "noise": entry.noise}
    name = _against_name(entry)
    return Figure(name=name, measure=CHANGE, value=change, interval=entry.change_ci95, facts=facts)


def bencher(found: History) -> dict[str, dict[str, dict[str, float]]]:
    """Bencher Metric Format: {benchmark: {measure: {value, lower_value, upper_value}}}.

    "latency" is in nanoseconds and "throughput" in images a second, as Bencher's own measures of these names.
    """
    metrics: dict[str, dict[str, dict[str, float]]] = {}
    for figure in found.figures:
        scale = 1e6 if figure.measure == LATENCY else 1.0
        metric = {"value": figure.value * scale}
        if figure.interval is not None:
            metric |= dict(zip(("lower_value", "upper_value"), figure.interval, strict=True))
        metrics.setdefault(figure.name, {})[figure.measure] = metric
    return metrics


def github_action_benchmark(found: History) -> list[dict[str, Any]]:
    """An array for ``tool: customBiggerIsBetter``: throughput and ratios, of which more is better."""
    return [
        {"name": f"{figure.name}: {figure.measure}", "unit": UNITS[figure.measure], "value": figure.value}
        | ({"range": " to ".join(map(number, figure.interval))} if figure.interval else {})
        | {"extra": "\n".join(f"{key}: {value}" for key, value in figure.facts.items())}
        for figure in found.figures
        if figure.measure != LATENCY
    ]


def pytest_benchmark(found: History) -> dict[str, Any]:
    """What ``pytest --benchmark-json`` writes, for rows with raw step times."""
    rows = [(name, row) for name, row in found.rows if row.step_seconds]
    return document(rows, found.environment)


def left_out(found: History, tool: str) -> list[str]:
    """What a tool's format has no place for, or a report no figure, and why."""
    if tool != PYTEST_BENCHMARK:
        return found.left_out
    stepless = [name for name, row in found.rows if not row.step_seconds]
    return [*found.left_out, *(f"{name}: it has no step times" for name in stepless)]


FORMATS: dict[str, Callable[[History], Any]] = {
    "bencher": bencher,
    "github-action-benchmark": github_action_benchmark,
    PYTEST_BENCHMARK: pytest_benchmark,
}


def merged(histories: Sequence[History]) -> History:
    """Several files' figures together. Raises ValueError for a name that two of them have."""
    first, *others = histories
    for other in others:
        figures = {(figure.name, figure.measure) for figure in first.figures}
        twice = [figure.name for figure in other.figures if (figure.name, figure.measure) in figures]
        if twice:
            raise ValueError(twice[0])
        first = History(
            figures=first.figures + other.figures,
            rows=first.rows + other.rows,
            left_out=first.left_out + other.left_out,
            environment=first.environment,
        )
    return first
