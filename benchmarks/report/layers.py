"""From one framework's step to the other's, layer by layer, in eager mode."""

from collections.abc import Mapping, Sequence
from typing import Any

from benchmarks.analysis.layers import compared_layers, layer_gaps, layer_remarks, layer_sums, times_of
from benchmarks.report.charts import Step, waterfall_chart
from benchmarks.report.figures import Table
from benchmarks.report.section import Section, without_empty
from benchmarks.results.formatting import number
from benchmarks.results.schema import CompareReport
from common.engines.kinds import EAGER
from common.language import Language

FEW_LAYERS = 12  # that a chart shows; the table has all
TINY = 0.005  # of all gaps: a smaller one has no bar of its own
LONGEST = 52  # characters of a layer above its bar


def layer_section(say: Language, report: CompareReport) -> Section | None:
    """Waterfall and table of each layer's share of the gap.

    Returns None where layers were not timed on both sides.
    """
    pairs = layer_gaps(report.results)
    if not pairs:
        return None
    row = compared_layers(report.results)["torch"]
    sums = layer_sums(report.results)
    note = say(
        "Each layer alone in eager mode, on its input inside the model, in {precision}, batch of {batch}, "
        "phase {phase}; the largest differences first.",
        precision=row.precision,
        batch=row.batch_size,
        phase=row.phase,
    )
    return without_empty(
        Section(
            title=say("Why, in eager mode: layer by layer"),
            note=note + _of_engines(say, report),
            columns=_columns(say),
            rows=_rows(say, pairs, sums),
            charts=[_waterfall(say, pairs, sums)],
            lines=layer_remarks(report.results, say),
        )
    )


def _rows(
    say: Language, pairs: Sequence[Mapping[str, Any]], sums: Sequence[Mapping[str, Any]]
) -> list[list[str]]:
    """A row for each layer with its part of all gaps, and those with which they add up to the step."""
    total = sum(abs(pair["gap"]) for pair in pairs) or 1.0
    rows = []
    for pair in pairs:
        share = f"{abs(pair['gap']) / total:.1%}"
        rows.append([pair["name"], pair["type"], pair["shape"], *times_of(pair), share, pair["kernels"]])
    for each in sums:
        rows.append([say(each["name"]), each["type"], each["shape"], *times_of(each), "-", each["kernels"]])
    return rows


def _columns(say: Language) -> list[str]:
    times = [say("torch forward ms"), say("paddle forward ms"), say("torch backward ms")]
    times += [say("paddle backward ms"), say("gap ms")]
    return [
        say("layer"), say("type"), say("one image"), *times, say("part of all gaps"), say("kernels named")
    ]  # fmt: skip


def _of_engines(say: Language, report: CompareReport) -> str:
    """The plain word that an engine which fuses layers has none to show."""
    best = {side.engine for entry in report.best for side in (entry.torch, entry.paddle)}
    others = sorted(best - {EAGER.name})
    if not others:
        return ""
    return say.space + say(
        "The answer above is about {engines} too, which has no layers to time: these are eager's.",
        engines=say.joined(others),
    )


def _waterfall(say: Language, pairs: Sequence[Mapping[str, Any]], sums: Sequence[Mapping[str, Any]]) -> str:
    """From torch's passes to paddle's; of layers without a step, from nothing to the sum of their gaps."""
    step = next((each for each in sums if each["name"] == "the step"), None)
    steps = []
    if step is not None:
        steps.append(_total(say, "torch", step))
    least = TINY * sum(abs(pair["gap"]) for pair in pairs)
    shown = [pair for pair in pairs[:FEW_LAYERS] if abs(pair["gap"]) >= least]
    rest = pairs[len(shown) :]  # they are sorted by their gap
    steps += [_difference(_layer_words(pair), pair["gap"]) for pair in shown]
    if rest:
        words = say.count("{number} other layer", "{number} other layers", len(rest))
        steps.append(_difference(words, sum(pair["gap"] for pair in rest)))
    steps += [_difference(say(each["name"]), each["gap"]) for each in sums if each["name"] != "the step"]
    if step is not None:
        steps.append(_total(say, "paddle", step))
    return waterfall_chart(
        say("From torch's step to paddle's, ms"),
        steps,
        unit="ms",
        table=Table(
            heading=say("Numbers"),
            columns=[say("what"), "ms"],
            rows=[[each.label, each.words] for each in steps],
        ),
        say=say,
    )


def _total(say: Language, backend: str, step: Mapping[str, Any]) -> Step:
    seconds = sum(value for key, value in step.items() if key.startswith(f"{backend}_"))
    label = say("{backend}: the step's passes", backend=backend)
    return Step(label=label, value=seconds * 1000, words=f"{number(seconds * 1000)} ms", total=backend)


def _difference(label: str, seconds: float) -> Step:
    return Step(label=label, value=seconds * 1000, words=f"{seconds * 1000:+.3g} ms")


def _layer_words(pair: Mapping[str, Any]) -> str:
    words = f"{pair['name']}, {pair['type']}" + (f", {pair['shape']}" if pair["shape"] != "-" else "")
    return words if len(words) <= LONGEST else f"{words[: LONGEST - 1]}…"
