"""A report's parts, as tables and charts that both pages show."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

from benchmarks.pages.answer import case_of
from benchmarks.pages.charts import Bars, bar_chart, depth_chart, gap_chart
from benchmarks.results import CompareReport, Comparison, Result

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


@dataclass(frozen=True, kw_only=True)
class Section:
    """A heading, a sentence on how to read it, and what it shows. Cells are text; numbers sort as such."""

    title: str
    note: str
    columns: Sequence[str] = ()
    rows: Sequence[Sequence[str]] = ()
    charts: Sequence[str] = ()
    lines: Sequence[str] = ()


def sections(report: CompareReport) -> list[Section]:
    """All parts for which there is something to show."""
    made = (_comparisons(report), _throughput(report), _results(report), _layers(report), _parity(report))
    return [section for section in (*made, _tuning(report), _settings(report)) if section is not None]


def number(value: float | None, digits: int = 3) -> str:
    """A figure with so many significant digits; a dash where there is none."""
    if value is None:
        return "-"
    return f"{value:,.0f}" if abs(value) >= 1000 else f"{value:.{digits}g}"


def _comparisons(report: CompareReport) -> Section | None:
    rows = [
        [
            *_case(row),
            number(row.torch_images_per_second),
            number(row.paddle_images_per_second),
            number(row.ratio),
            f"{row.ratio_ci95[0]:.3g} to {row.ratio_ci95[1]:.3g}" if row.ratio_ci95 else "-",
            f"±{row.noise:.1%}" if row.noise is not None else "-",
            row.verdict,
        ]
        for row in report.comparisons
    ]
    columns = ["phase", "engine", "precision", "batch", "torch images/s", "paddle images/s"]
    return (
        rows
        and Section(
            title="Side by side",
            note="Ratio above 1: paddle is faster. The interval is where the ratio of a repetition lies with "
            "95 %; noise is what the same comparison finds between a backend and itself.",
            columns=[*columns, "paddle / torch", "95 % interval", "noise", "verdict"],
            rows=rows,
        )
    ) or None


def _throughput(report: CompareReport) -> Section | None:
    charts = []
    for phase in dict.fromkeys(row.phase for row in report.results):
        own = [row for row in report.results if row.phase == phase and row.images_per_second]
        groups = [
            Bars(label=label, bars=[_bar(row) for row in own if _label(row) == label])
            for label in dict.fromkeys(map(_label, own))
        ]
        if groups:
            charts.append(bar_chart(f"Throughput, phase {phase}, images a second", groups, unit="images/s"))
    return Section(title="Throughput", note="Longer is faster.", charts=charts) if charts else None


def _results(report: CompareReport) -> Section | None:
    rows = [_result(row) for row in report.results]
    columns = ["backend", "phase", "engine", "precision", "batch", "images/s", "p50 ms", "p95 ms", "p99 ms"]
    more = ["peak MiB", "of matmul peak", "compile s", "load s", "error", "cost / million", "status"]
    return (
        rows
        and Section(
            title="Every result",
            note="Latency of whole steps; memory above the bare framework; the part of the framework's own "
            "matrix-product peak that was reached; the error of the logits, relative L2 from eager float64.",
            columns=columns + more,
            rows=rows,
        )
    ) or None


def _layers(report: CompareReport) -> Section | None:
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
    return Section(
        title="Why: layer by layer",
        note="Each layer alone, on the input that it has inside the model; sorted by what it contributes.",
        columns=LAYER_COLUMNS,
        rows=rows,
        charts=[chart],
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


def _parity(report: CompareReport) -> Section | None:
    if report.parity is None:
        return None
    stages = report.parity.get("stages", [])
    charts = []
    for stage in stages:
        points = [
            (str(tensor["name"]), float(tensor["relative_l2"]))
            for tensor in stage.get("tensors", [])
            if tensor.get("relative_l2") is not None
        ]
        if len(points) > 1 and stage.get("tolerance"):
            charts.append(
                depth_chart(f"Parity error by depth: {stage['stage']}", points, limit=stage["tolerance"])
            )
    return Section(
        title="Parity",
        note=f"Do both compute the same, in float64 on the CPU? Verdict: {report.parity['verdict']}.",
        columns=["stage", "dtype", "verdict"],
        rows=[[str(stage.get(key) or "-") for key in ("stage", "dtype", "verdict")] for stage in stages],
        charts=charts,
    )


def _tuning(report: CompareReport) -> Section | None:
    columns = ["backend", "phase", "batch", "engine", "precision", "layout", "threads", "images/s", "outcome"]
    rows = [
        [row.backend, row.phase, str(row.batch_size)]
        + [str(tried[key]) for key in ("engine", "precision", "layout", "threads")]
        + [number(tried["images_per_second"]), tried["outcome"]]
        for row in report.results
        for tried in row.tuning
    ]
    note = "All that was tried, in short runs; the chosen ones were then measured at length."
    return Section(title="What tuning tried", note=note, columns=columns, rows=rows) if rows else None


def _settings(report: CompareReport) -> Section:
    environment = report.environment
    lines = [f"{name}: {value}" for name, value in environment.items() if value not in (None, [], {})]
    lines += [f"asked for, {name}: {value}" for name, value in (report.request or {}).items()]
    in_force = [
        f"in force, {row.backend} {case_of(row)}: "
        + ", ".join(f"{name} {value}" for name, value in row.settings.items() if value is not None)
        for row in report.results
        if row.settings
    ]
    return Section(title="Settings and environment", note="", lines=[*lines, *dict.fromkeys(in_force)])


def _case(row: Result | Comparison) -> list[str]:
    return [row.phase, row.engine, row.precision, str(row.batch_size)]


def _label(row: Result) -> str:
    layout = "" if row.layout == "NCHW" else f", {row.layout}"
    return f"{row.engine}, {row.precision}{layout}, batch {row.batch_size}, {row.threads} threads"


def _bar(row: Result) -> tuple[str, float | None, str]:
    return row.backend, row.images_per_second, number(row.images_per_second)


def _result(row: Result) -> list[str]:
    latency = row.latency_ms
    peak = None if row.peak_memory_bytes is None else row.peak_memory_bytes / 2**20
    fraction = row.fraction_of_matmul_peak
    return [
        row.backend,
        *_case(row),
        number(row.images_per_second),
        *(number(getattr(latency, key, None)) for key in ("p50", "p95", "p99")),
        number(peak),
        "-" if fraction is None else f"{fraction:.1%}",
        number(row.compile_seconds),
        number(row.load_seconds),
        "-" if row.error is None else f"{row.error:.1e}",
        number(row.cost_per_million_images),
        row.status,
    ]
