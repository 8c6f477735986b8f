"""Why one is faster: both backends' layers side by side."""

from benchmarks.analysis.layers import TIMES, compared_layers, layer_gaps
from benchmarks.report.charts import gap_chart
from benchmarks.report.section import Section, without_empty
from benchmarks.results.formatting import number
from benchmarks.results.schema import CompareReport

LAYER_COLUMNS = (
    "layer",
    "type",
    "torch forward ms",
    "paddle forward ms",
    "torch backward ms",
    "paddle backward ms",
    "gap ms",
    "part of all gaps",
    "kernels told",
)
FEW_LAYERS = 12  # that a chart shows; the table has all


def layer_section(report: CompareReport) -> Section | None:
    """What each layer contributes to the gap; None where layers were not timed on both sides."""
    pairs = layer_gaps(report.results)
    if not pairs:
        return None
    row = compared_layers(report.results)["torch"]
    total = sum(abs(pair["gap"]) for pair in pairs) or 1.0
    rows = [
        [
            pair["name"],
            pair["type"],
            *(number(pair[key] * 1000) for key in (*TIMES, "gap")),
            f"{abs(pair['gap']) / total:.1%}",
            pair["kernels"],
        ]
        for pair in pairs
    ]
    chart = gap_chart(
        "Paddle's time less torch's, by layer, forward and backward",
        [(p["name"], p["gap"], f"{p['gap'] * 1000:+.3g} ms") for p in pairs[:FEW_LAYERS]],
        unit="milliseconds",
    )
    return without_empty(
        Section(
            title="Why: layer by layer",
            note=f"Each layer alone, on its input inside the model, in {row.precision}, batch of "
            f"{row.batch_size}; sorted by what it contributes.",
            columns=LAYER_COLUMNS,
            rows=rows,
            charts=[chart],
        )
    )
