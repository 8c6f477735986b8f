"""Why one is faster: both backends' layers side by side."""

from collections.abc import Sequence
from typing import Any

from benchmarks.pages.charts import gap_chart
from benchmarks.pages.section import Section, number, without_empty
from benchmarks.results import CompareReport, Result

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
TIMES = ("torch_forward", "paddle_forward", "torch_backward", "paddle_backward")
FEW_LAYERS = 12  # that a chart shows; the table has all


def layer_section(report: CompareReport) -> Section | None:
    """What each layer contributes to the gap; None where layers were not timed on both sides."""
    pairs = layer_gaps(report.results)
    if not pairs:
        return None
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
            note="Each layer alone, on its input inside the model; sorted by what it contributes.",
            columns=LAYER_COLUMNS,
            rows=rows,
            charts=[chart],
        )
    )


def layer_gaps(results: Sequence[Result]) -> list[dict[str, Any]]:
    """Both backends' layers side by side, by name; the largest gap (paddle less torch) first."""
    sides = {row.backend: row for row in reversed(results) if row.layers}
    if set(sides) != {"torch", "paddle"}:
        return []
    theirs = {layer.name: layer for layer in sides["paddle"].layers}
    pairs = []
    for layer in sides["torch"].layers:
        other = theirs.get(layer.name)
        if other is not None:
            gap = other.forward_seconds + other.backward_seconds
            kernels = (("torch", layer.kernel), ("paddle", other.kernel))
            pairs.append(
                {
                    "name": layer.name,
                    "type": layer.type,
                    "torch_forward": layer.forward_seconds,
                    "paddle_forward": other.forward_seconds,
                    "torch_backward": layer.backward_seconds,
                    "paddle_backward": other.backward_seconds,
                    "gap": gap - layer.forward_seconds - layer.backward_seconds,
                    "kernels": "; ".join(f"{name}: {kernel}" for name, kernel in kernels if kernel) or "-",
                }
            )
    return sorted(pairs, key=lambda pair: -abs(pair["gap"]))
