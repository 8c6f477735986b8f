"""Both backends side by side: a forest plot with its numbers, and more figures of each comparison."""

from collections.abc import Sequence

from benchmarks.report import said
from benchmarks.report.badges import times
from benchmarks.report.charts import Axis, Line, line_chart
from benchmarks.report.figures import Table
from benchmarks.report.forest import drawn, forest_cell, forest_head, forest_scale
from benchmarks.report.section import Section, without_empty
from benchmarks.report.words import ratio_cells, speed_cells, verdict_words
from benchmarks.request.request import REFERENCES
from benchmarks.results.formatting import interval, labeller, number, plus_minus, signed
from benchmarks.results.schema import NOT_DECIDED, CompareReport, Comparison
from benchmarks.results.sentences import translated
from common.language import Language

MOST_CHARTS = 24
MANY = 12  # rows from which a section begins folded


def comparison_section(say: Language, report: CompareReport) -> Section | None:
    """Both backends in one row each, and beside them the reference where it computed the same."""
    pairs = own_pairs(report)
    label = labeller(pairs, say)
    neutral = {_place(row): row for row in report.comparisons if row.engine in REFERENCES}
    rows = [
        [
            label(row),
            *ratio_cells(row, say)[:2],
            verdict_words(row, say),
            *speed_cells(row),
            *_of_reference(neutral.get(_place(row))),
        ]
        for row in pairs
    ]
    columns = [say("combination"), say("paddle / torch"), say("true ratio, 95 %"), say("verdict")]
    columns += [say("torch images/s"), say("paddle images/s")]
    columns += [say("ONNX Runtime images/s, torch's export"), say("paddle's export")]
    ratios = [drawn(row) for row in pairs]
    scale = forest_scale([each for each in ratios if each], {row.margin for row in pairs if row.margin})
    return without_empty(
        Section(
            title=say("Side by side"),
            note=_note(say, neutral=bool(neutral)),
            columns=columns,
            rows=rows,
            pictures=[
                forest_cell(ratio, scale, margin=row.margin) for ratio, row in zip(ratios, pairs, strict=True)
            ],
            picture_head=forest_head(say, scale),
            repeated=True,
            groups=groups(say, pairs),
        )
    )


def _note(say: Language, *, neutral: bool) -> str:
    """How to read the picture and its numbers."""
    note = say(
        "Ratio above 1: paddle is faster. True ratio: where it lies, 95 times in 100; the verdict is made of "
        "it. The band around 1 is the margin within which both are equal. The ratio is combined from the "
        "blocks of the rounds, in which both took turns, so it can differ slightly from the quotient of the "
        "two columns of images per second."
    )
    if neutral:
        note += say.space + say(
            "ONNX Runtime, which is neither's, computed the same model as each exported it, in fp32."
        )
    return note


def own_pairs(report: CompareReport) -> list[Comparison]:
    """The comparisons of the two frameworks' own engines."""
    return [row for row in report.comparisons if row.engine not in REFERENCES]


def groups(say: Language, rows: Sequence[Comparison]) -> dict[str, list[str]]:
    """Facts by which rows are grouped, where they differ in them."""
    facts = {
        say("verdict"): [say(row.verdict) for row in rows],
        say("phase"): [said.phase(say, row.phase) for row in rows],
        say("engine"): [row.engine for row in rows],
        say("precision"): [row.precision for row in rows],
        say("layout"): [row.layout for row in rows],
        say("batch"): [row.case.batch for row in rows],
        say("threads"): [str(row.threads or "-") for row in rows],
    }
    return {name: values for name, values in facts.items() if len(set(values)) > 1}


def _place(row: Comparison) -> tuple[object, ...]:
    threads = None if row.settings == "tuned" else row.threads  # what was chosen, and not for the reference
    return row.phase, row.case.batch, threads, row.device


def _of_reference(row: Comparison | None) -> list[str]:
    if row is None:
        return ["-", "-"]
    return [number(row.torch_images_per_second), number(row.paddle_images_per_second)]


def trust_section(say: Language, report: CompareReport) -> Section | None:
    """How far each ratio can be trusted, and why some have no winner."""
    pairs = own_pairs(report)
    label = labeller(pairs, say)
    rows = [
        [
            label(row),
            ratio_cells(row, say)[2],
            plus_minus(row.noise, say=say) if row.verdict != "invalid" else "-",
            signed(row.drift, say),
            "-" if row.outliers is None else f"{row.outliers:.1%}",
            "-" if row.left_out is None else f"{row.left_out:.0%}",
            translated(row.reason, say) if row.verdict in NOT_DECIDED and row.reason else "-",
        ]
        for row in pairs
    ]
    columns = [say("combination"), say("repetition, 95 %"), say("noise"), say("drift"), say("outliers")]
    columns += [say("left out"), say("why no winner")]
    note = say(
        "Repetition: where the ratio of a run of the same length lies. Noise: half the repetition interval "
        "of the same comparison between a backend and itself. Drift: how the ratio moved from the first half "
        "of the rounds to the second. Outliers: unusually slow steps; they do not affect the ratio. Left "
        "out: blocks that other programs or the host disturbed, as the kernel counted."
    )
    title = say("How far each ratio can be trusted")
    return without_empty(Section(title=title, note=note, columns=columns, rows=rows, folded=len(rows) > MANY))


def time_section(say: Language, report: CompareReport) -> Section | None:
    """The ratio of each round in the order measured, one chart a combination."""
    rows = [row for row in report.comparisons if len(row.round_ratios) > 1 and row.verdict != "invalid"]
    label = labeller(report.comparisons, say)
    shown = rows
    note = say(
        "The ratio of each round, in the order measured: a machine that changed meanwhile shows here. The "
        "dotted line is the ratio that was combined from their blocks."
    )
    if len(rows) > MOST_CHARTS:
        shown = sorted(rows, key=lambda row: -abs(row.drift or 0.0))[:MOST_CHARTS]
        facts = {"number": len(shown), "all": len(rows)}
        note += say.space + say("Here are the {number} of {all} whose ratio drifted most.", **facts)
    charts = [_rounds_chart(say, label(row), row) for row in shown]
    title = say("Over time")
    return Section(title=title, note=note, charts=charts, folded=len(charts) > MANY) if charts else None


def _rounds_chart(say: Language, combination: str, row: Comparison) -> str:
    points = [(float(place), ratio) for place, ratio in enumerate(row.round_ratios, start=1)]
    return line_chart(
        say("{combination}, by round", combination=combination),
        [Line(label=_legend(say, row), kind="paddle", points=points)],
        x=Axis(label=say("round")),
        y=Axis(label=say("paddle / torch")),
        levels=[(row.ratio, "")] if row.ratio else [],
        table=Table(
            heading=say("Numbers"),
            columns=[say("round"), say("paddle / torch")],
            rows=[[f"{place:g}", number(ratio)] for place, ratio in points],
        ),
        say=say,
    )


def _legend(say: Language, row: Comparison) -> str:
    """The ratio and its interval; in words who is faster stands above, in the table."""
    if row.ratio_ci95 is None:
        return times(say, row)
    return say(
        "paddle / torch {ratio}, 95 %: {interval}",
        ratio=number(row.ratio),
        interval=interval(row.ratio_ci95, say),
    )
