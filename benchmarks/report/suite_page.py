"""One page of many pairs: parity of each, their ratios, the mean, and what could not be had."""

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

from benchmarks.analysis.many_pairs import MeanRatio, by_case, mean_ratio, wins
from benchmarks.parity.plan import GATE
from benchmarks.parity.text.divergence import failure
from benchmarks.report import said
from benchmarks.report.badge import Badge
from benchmarks.report.circumstances import environment_card, machine, minute, versions
from benchmarks.report.command import suite_command_of
from benchmarks.report.forest import Ratio, drawn, forest_cell, forest_head, forest_scale
from benchmarks.report.page import packed, shared_parts, templates
from benchmarks.report.section import Section
from benchmarks.report.words import ratio_cells, speed_cells, verdict_words
from benchmarks.request.request import DEFAULT_MARGIN
from benchmarks.results import result_file
from benchmarks.results.formatting import interval, number
from benchmarks.results.outcome import Outcome
from benchmarks.results.schema import CompareReport, Comparison
from benchmarks.results.sentences import translated
from common.files import write_text
from common.language import ENGLISH, Language

PAGE = "suite"


def write_suite(outcomes: Sequence[Outcome], folder: Path, *, language: str = "en") -> None:
    """Write suite.html, suite.md and suite.json into a folder that is there."""
    facts = _facts(Language(language), outcomes)
    facts |= shared_parts(facts, packed(result_file.text_of(summary(outcomes))), file=f"{PAGE}.json")
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
        "environment": _last_environment(outcomes),
        "pairs": [
            {
                "name": outcome.name,
                "reason": outcome.reason,
                "parity": outcome.parity,
                "parameters": outcome.parameters,
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


def _last_environment(outcomes: Sequence[Outcome]) -> dict[str, Any]:
    """Where the last of the pairs was measured; {} if none was."""
    environments = [report.environment for report in reports_of(outcomes).values()]
    return max(environments, key=lambda environment: environment["date"], default={})


def reports_of(outcomes: Sequence[Outcome]) -> dict[str, CompareReport]:
    """The reports of those that have one, by name."""
    return {outcome.name: outcome.report for outcome in outcomes if outcome.report}


def mean_sentence(case: str, mean: MeanRatio, say: Language = ENGLISH) -> str:
    """One line on a case of all networks."""
    return say(
        "{case}: paddle / torch {ratio} in the geometric mean of {networks} ({interval})",
        case=case,
        ratio=number(mean.ratio),
        networks=_count(say, mean.networks),
        interval=interval(mean.interval, say),
    )


def sentences(outcomes: Sequence[Outcome], say: Language = ENGLISH) -> list[str]:
    """A line on each case: the mean, and who is faster on how many."""
    lines = []
    for case, rows in by_case(reports_of(outcomes)).items():
        mean = mean_ratio([*rows.values()])
        head = mean_sentence(case, mean, say) if mean else say("{case}: no ratio is known", case=case)
        counts = [
            say("{verdict} on {number}", verdict=say(verdict), number=len(names))
            for verdict, names in wins(rows).items()
        ]
        lines.append(say.joined([head, say.joined(counts, by=", ")], by="; "))
    return lines


def missing(outcomes: Sequence[Outcome], say: Language = ENGLISH) -> list[str]:
    """What could not be had, and why."""
    lines = []
    for outcome in outcomes:
        if outcome.report is None:
            lines.append(say.joined([outcome.name, translated(outcome.reason or "", say)], by=": "))
            continue
        parity = outcome.report.parity
        if parity and parity["verdict"] != "pass":
            why = failure(parity, say)
            lines.append(say("{name}: {reason}; nothing was timed", name=outcome.name, reason=why))
        lines += _unmeasured(outcome.name, outcome.report, say)
        lines += [
            say.joined(
                [
                    say.joined([outcome.name, str(row.case)]),
                    say(row.verdict),
                    translated(row.reason or "", say),
                ],
                by=": ",
            )
            for row in outcome.report.comparisons
            if row.verdict == "invalid"
        ]
    return lines


def _unmeasured(name: str, report: CompareReport, say: Language) -> list[str]:
    """A line on each reason for which rows have no figure, with the rows."""
    rows: dict[str, list[str]] = {}
    for row in report.results:
        if row.status != "ok":
            reason = say.joined([say(row.status), translated(row.reason or "", say)], by=": ")
            rows.setdefault(reason, []).append(f"{row.backend} {row.case}")
    return [say.joined([say.joined([name, *those]), reason], by=": ") for reason, those in rows.items()]


def _facts(say: Language, outcomes: Sequence[Outcome]) -> dict[str, Any]:
    reports = reports_of(outcomes)
    last = _last_environment(outcomes)
    pairs = [row for report in reports.values() for row in report.comparisons]
    return {
        "say": say,
        "title": say("PaddlePaddle or PyTorch: {what}", what=_count(say, len(outcomes))),
        "advice": "",
        "badges": _badges(say, outcomes),
        "answer": say.joined(sentences(outcomes, say), by=". ") or say("Nothing was timed on both sides."),
        "confidence": _proof(say, outcomes),
        "card": environment_card(say, last) if last else [],
        "command": suite_command_of(reports),
        "sections": [*_ratios(say, outcomes), _parity(say, outcomes)],
        "not_measured": missing(outcomes, say) or [say("Everything that was asked for was measured.")],
        "kinds": said.badge_kinds(say, pairs),
        "date": minute(last.get("date") or ""),
        "machine": machine(last),
        "versions": versions(last),
    }


def _count(say: Language, number: int) -> str:
    return say.count("{number} network", "{number} networks", number)


def _proof(say: Language, outcomes: Sequence[Outcome]) -> str:
    passed = sum(outcome.parity == "pass" for outcome in outcomes)
    broken = [outcome.name for outcome in outcomes if outcome.parity == "fail"]
    facts = {"passed": passed, "all": len(outcomes)}
    if broken:
        names = say.joined(broken)
        return say(
            "Both compute the same in float64 on {passed} of {all} networks, and not on {names}.",
            names=names,
            **facts,
        )
    return say("Both compute the same in float64 on {passed} of {all} networks.", **facts)


def _badges(say: Language, outcomes: Sequence[Outcome]) -> list[Badge]:
    """One a case: the mean of all networks, and how many each verdict has."""
    found = []
    for case, rows in by_case(reports_of(outcomes)).items():
        mean = mean_ratio([*rows.values()])
        counts = [
            say.joined([say(verdict), str(len(names))], by=": ") for verdict, names in wins(rows).items()
        ]
        if mean is None:
            words = {"word": say("not measured"), "figure": say("no ratio is known")}
            found.append(Badge(title=case, kind="missing", sides=counts, **words))
            continue
        margin = min((row.margin for row in rows.values() if row.margin), default=DEFAULT_MARGIN)
        kind, word = _of_mean(say, mean, margin)
        low, high = map(number, mean.interval)
        found.append(
            Badge(
                title=case,
                kind=kind,
                word=word,
                figure=say("paddle / torch {ratio}", ratio=number(mean.ratio))
                + say(" ({low} to {high})", low=low, high=high),
                sides=[say("geometric mean of {networks}", networks=_count(say, mean.networks)), *counts],
            )
        )
    return found


def _of_mean(say: Language, mean: MeanRatio, margin: float) -> tuple[str, str]:
    low, high = mean.interval
    if max(high, 1 / low) <= 1 + margin / 100:
        return "equal", say("equal within ±{margin} %", margin=f"{margin:g}")
    if low > 1:
        return "faster", say("paddle is faster in the mean")
    if high < 1:
        return "faster", say("torch is faster in the mean")
    return "undecided", say("undecided")


def _parity(say: Language, outcomes: Sequence[Outcome]) -> Section:
    """The matrix: a network in each row, a stage in each column."""
    rows = []
    for outcome in outcomes:
        parity = (outcome.report and outcome.report.parity) or {}
        stages = {stage["stage"]: stage["verdict"] for stage in parity.get("stages", ())}
        known = say.joined(found["difference"] for found in parity.get("known_differences", ()))
        rows.append(
            [
                outcome.name,
                f"{outcome.parameters:,}" if outcome.parameters else "-",
                say(outcome.parity),
                *(say(stages.get(stage, "-")) for stage in GATE),
                known or "-",
            ]
        )
    note = say(
        "Float64 on the CPU, equal weights and images; the stages that must hold before anything is timed."
    )
    columns = [say("network"), say("parameters"), say("parity"), *GATE, say("known difference")]
    return Section(title=say("Do both compute the same?"), note=note, columns=columns, rows=rows)


def _ratios(say: Language, outcomes: Sequence[Outcome]) -> list[Section]:
    """For each case a forest plot and its table."""
    return [
        _case_section(say, case, rows) for case, rows in by_case(reports_of(outcomes)).items()
    ]  # fmt: skip


def _case_section(say: Language, case: str, rows: Mapping[str, Comparison]) -> Section:
    mean = mean_ratio([*rows.values()])
    cells = [
        [name, *ratio_cells(row, say)[:2], verdict_words(row, say), *speed_cells(row)]
        for name, row in rows.items()
    ]
    note = say("Above 1 paddle is faster.")
    ratios = [drawn(row) for row in rows.values()]
    margins = {row.margin for row in rows.values() if row.margin}
    scale = forest_scale([each for each in ratios if each], margins)
    pictures = [
        forest_cell(ratio, scale, margin=row.margin) for ratio, row in zip(ratios, rows.values(), strict=True)
    ]
    if mean:
        note += say.space + say("The mean's interval is of these networks alone.")
        name = say("geometric mean of {networks}", networks=_count(say, mean.networks))
        cells.append([name, number(mean.ratio), interval(mean.interval, say), "-", "-", "-"])
        whole = Ratio(ratio=mean.ratio, interval=mean.interval, kind="")
        pictures.append(forest_cell(whole, scale, margin=None))
    columns = [say("network"), say("paddle / torch"), say("true ratio, 95 %"), say("verdict")]
    columns += [say("torch images/s"), say("paddle images/s")]
    verdicts = [say(row.verdict) for row in rows.values()]
    return Section(
        title=case,
        note=note,
        columns=columns,
        rows=cells,
        pictures=pictures,
        picture_head=forest_head(say, scale),
        groups={say("verdict"): [*verdicts, *([say("all")] if mean else [])]},
    )
