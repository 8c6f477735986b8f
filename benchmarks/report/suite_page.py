"""One page of many pairs: parity of each, their ratios, the mean, and what could not be had."""

import math
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

from benchmarks.analysis.many_pairs import MeanRatio, by_case, mean_ratio, wins
from benchmarks.parity.plan import GATE
from benchmarks.parity.text import failure
from benchmarks.report.charts import PATTERN, WIDTH, figure, text
from benchmarks.report.page import TEMPLATES, minute, templates
from benchmarks.report.section import Section
from benchmarks.report.words import ratio_cells, speed_cells, verdict_words
from benchmarks.results import result_file
from benchmarks.results.formatting import interval, number
from benchmarks.results.outcome import Outcome
from benchmarks.results.schema import CompareReport, Comparison
from common.files import write_text

PAGE = "suite"
LEFT, REACH, ROW = 150.0, 150.0, 18.0  # of a forest plot


def write_suite(outcomes: Sequence[Outcome], folder: Path) -> None:
    """Write suite.html, suite.md and suite.json into a folder that is there."""
    facts = _facts(outcomes)
    for suffix in ("html", "md"):
        page = templates(markdown=suffix == "md").get_template(f"report.{suffix}.j2").render(**facts)
        write_text(folder / f"{PAGE}.{suffix}", page)
    result_file.write(summary(outcomes), folder / f"{PAGE}.json")


def summary(outcomes: Sequence[Outcome]) -> dict[str, Any]:
    """The suite as JSON: each pair's verdict and ratios, and the means by case."""
    reports = reports_of(outcomes)
    means = {case: mean_ratio([*rows.values()]) for case, rows in by_case(reports).items()}
    return {
        "schema_version": 1,
        "pairs": [
            {
                "name": outcome.name,
                "reason": outcome.reason,
                "parity": outcome.parity,
                "comparisons": outcome.report.comparisons if outcome.report else [],
            }
            for outcome in outcomes
        ],
        "means": {
            case: {"networks": mean.networks, "ratio": mean.ratio, "ratio_ci95": mean.interval}
            for case, mean in means.items()
            if mean
        },
    }


def reports_of(outcomes: Sequence[Outcome]) -> dict[str, CompareReport]:
    """The reports of those that have one, by name."""
    return {outcome.name: outcome.report for outcome in outcomes if outcome.report}


def mean_sentence(case: str, mean: MeanRatio) -> str:
    """One line on a case of all networks."""
    return (
        f"{case}: paddle / torch {number(mean.ratio)} in the geometric mean of {mean.networks} networks "
        f"({interval(mean.interval)})"
    )


def sentences(outcomes: Sequence[Outcome]) -> list[str]:
    """A line on each case: the mean, and who is faster on how many."""
    lines = []
    for case, rows in by_case(reports_of(outcomes)).items():
        mean = mean_ratio([*rows.values()])
        counts = ", ".join(f"{verdict} on {len(names)}" for verdict, names in wins(rows).items())
        lines.append(
            f"{mean_sentence(case, mean)}; {counts}" if mean else f"{case}: no ratio is known; {counts}"
        )
    return lines


def missing(outcomes: Sequence[Outcome]) -> list[str]:
    """What could not be had, and why."""
    lines = []
    for outcome in outcomes:
        if outcome.report is None:
            lines.append(f"{outcome.name}: {outcome.reason}")
            continue
        parity = outcome.report.parity
        if parity and parity["verdict"] != "pass":
            lines.append(f"{outcome.name}: {failure(parity)}; nothing was timed")
        lines += _unmeasured(outcome.name, outcome.report)
        lines += [
            f"{outcome.name}, {row.case}: invalid: {row.reason}"
            for row in outcome.report.comparisons
            if row.verdict == "invalid"
        ]
    return lines


def _unmeasured(name: str, report: CompareReport) -> list[str]:
    """A line on each reason for which rows have no figure, with the rows."""
    rows: dict[str, list[str]] = {}
    for row in report.results:
        if row.status != "ok":
            rows.setdefault(f"{row.status}: {row.reason}", []).append(f"{row.backend} {row.case}")
    return [f"{name}, {', '.join(those)}: {reason}" for reason, those in rows.items()]


def _facts(outcomes: Sequence[Outcome]) -> dict[str, Any]:
    environments = [report.environment for report in reports_of(outcomes).values()]
    last = max(environments, key=lambda environment: environment["date"], default={})
    versions = ", ".join(f"{name} {facts[name]}" for name, facts in last.get("backends", {}).items())
    passed = sum(outcome.parity == "pass" for outcome in outcomes)
    proof = f"Both compute the same in float64 on {passed} of {len(outcomes)} networks"
    broken = [outcome.name for outcome in outcomes if outcome.parity == "fail"]
    proof += f", and not on {', '.join(broken)}" if broken else ""
    return {
        "title": f"PaddlePaddle or PyTorch: {len(outcomes)} networks",
        "answer": ". ".join(sentences(outcomes)) or "Nothing was timed on both sides.",
        "confidence": f"{proof}. {versions}.",
        "sections": [_parity(outcomes), *_ratios(outcomes)],
        "not_measured": missing(outcomes) or ["Everything that was asked for was measured."],
        "date": minute(last.get("date") or ""),
        "machine": "; ".join(last.get("gpus") or []) or last.get("cpu"),
        "pattern": PATTERN,
        "style": (TEMPLATES / "style.css").read_text(),
        "script": (TEMPLATES / "sort.js").read_text(),
    }


def _parity(outcomes: Sequence[Outcome]) -> Section:
    """The matrix: a network in each row, a stage in each column."""
    rows = []
    for outcome in outcomes:
        parity = (outcome.report and outcome.report.parity) or {}
        stages = {stage["stage"]: stage["verdict"] for stage in parity.get("stages", ())}
        known = ", ".join(found["difference"] for found in parity.get("known_differences", ()))
        rows.append(
            [
                outcome.name,
                f"{outcome.parameters:,}" if outcome.parameters else "-",
                outcome.parity,
                *(stages.get(stage, "-") for stage in GATE),
                known or "-",
            ]
        )
    note = "Float64 on the CPU, equal weights and images; the stages that must hold before anything is timed."
    columns = ["network", "size", "parity", *GATE, "known difference"]
    return Section(title="Do both compute the same?", note=note, columns=columns, rows=rows)


def _ratios(outcomes: Sequence[Outcome]) -> list[Section]:
    """For each case a forest plot and its table."""
    sections = []
    for case, rows in by_case(reports_of(outcomes)).items():
        mean = mean_ratio([*rows.values()])
        cells = [
            [
                name,
                *ratio_cells(row)[:2],
                verdict_words(row),
                *speed_cells(row),
            ]
            for name, row in rows.items()
        ]
        note = "Above 1 paddle is faster."
        if mean:
            note = f"{mean_sentence(case, mean)}. {note} The mean's interval is of these networks alone."
        columns = [
            "network",
            "paddle / torch",
            "95 % interval",
            "verdict",
            "torch images/s",
            "paddle images/s",
        ]
        charts = [forest_chart(f"paddle / torch, {case}", rows, mean)] if mean else []
        sections.append(Section(title=case, note=note, columns=columns, rows=cells, charts=charts))
    return sections


def forest_chart(title: str, rows: Mapping[str, Comparison], mean: MeanRatio) -> str:
    """A point with its interval for each network on a logarithmic axis, and a diamond for the mean."""
    known = [
        (name, row.ratio, row.ratio_ci95)
        for name, row in rows.items()
        if row.ratio and row.ratio_ci95 and row.verdict != "invalid"
    ]
    ends = [end for _, _, both in known for end in both] + [*mean.interval, 1.0]
    low, high = math.log(min(ends)), math.log(max(ends))
    span = (high - low) or 1.0

    def across(value: float) -> float:
        return LEFT + (math.log(value) - low) / span * REACH

    parts, y = [], 12.0
    bottom = y + ROW * (len(known) + 1)
    parts.append(f'<path d="M{across(1):.1f} 4V{bottom:.0f}" class="axis" fill="none"/>')
    for name, ratio, (first, last) in known:
        parts.append(text(0, y + 4, name, kind="small"))
        parts.append(f'<path d="M{across(first):.1f} {y:.0f}H{across(last):.1f}" class="axis" fill="none"/>')
        kind = "paddle" if ratio > 1 else "torch"
        parts.append(f'<circle cx="{across(ratio):.1f}" cy="{y:.0f}" r="4" class="{kind}"/>')
        parts.append(text(LEFT + REACH + 10, y + 4, number(ratio), kind="small"))
        y += ROW
    left, middle, right = (across(value) for value in (mean.interval[0], mean.ratio, mean.interval[1]))
    parts.append(text(0, y + 4, "geometric mean", kind="small"))
    points = (
        f"{left - 1:.1f},{y:.0f} {middle:.1f},{y - 6:.0f} {right + 1:.1f},{y:.0f} {middle:.1f},{y + 6:.0f}"
    )
    parts.append(f'<polygon points="{points}" class="{"paddle" if mean.ratio > 1 else "torch"}"/>')
    parts.append(text(LEFT + REACH + 10, y + 4, number(mean.ratio), kind="small"))
    parts.append(text(across(1) - 3, bottom + 14, "1", kind="small"))
    parts.append(text(LEFT - 40, bottom + 30, "torch faster", kind="small"))
    parts.append(text(min(LEFT + REACH, WIDTH - 70.0), bottom + 30, "paddle faster", kind="small"))
    return figure(title, f"{len(known)} ratios with intervals, logarithmic", parts, height=bottom + 38)
