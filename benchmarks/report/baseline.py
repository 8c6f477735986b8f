"""Each combination against an earlier report: whether anything became slower."""

from benchmarks.analysis.regression import MOST_NOISE, verdict_of
from benchmarks.report.section import Section, without_empty
from benchmarks.results.formatting import UNUSABLE, number, plus_minus
from benchmarks.results.schema import Change, CompareReport
from common.language import Language


def baseline_section(say: Language, report: CompareReport) -> Section | None:
    """A row for each change; nothing where no baseline was given."""
    if not report.regressions:
        return None
    columns = [say("combination"), say("backend"), say("now / before"), say("measured by"), say("noise")]
    columns += [say("its own figure"), say("the machine"), say("allowed slowdown, %"), say("verdict")]
    note = say(
        "Speed now over that of the baseline. By ratio: against the other backend, measured in the same run, "
        "the one that has lost is named, with its own figure corrected by the machine's speed. By speed: its "
        "own figure, corrected like that. The machine: its speed over what it was, by a matrix product."
    )
    rows = [_cells(say, change) for change in report.regressions]
    return without_empty(Section(title=say("Against the baseline"), note=note, columns=columns, rows=rows))


def _cells(say: Language, change: Change) -> list[str]:
    limit = change.max_regression
    return [
        *(change.combination, change.backend),
        number(change.change) if change.noise < MOST_NOISE else say(UNUSABLE),
        say("ratio") if change.by == "ratio" else say("speed"),
        plus_minus(change.noise, say=say),
        number(change.own),
        number(change.drift),
        "-" if limit is None else f"{limit:g}",
        verdict_of(change, say) or say("not slower than is allowed"),
    ]
