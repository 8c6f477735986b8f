"""The figures: ratios, throughput, and every result."""

from benchmarks.pages.charts import Bars, bar_chart
from benchmarks.pages.section import Section, number
from benchmarks.results import CompareReport, Comparison, Result
from benchmarks.scaling import batch_of


def comparison_section(report: CompareReport) -> Section | None:
    """Both backends in one row each."""
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


def throughput_section(report: CompareReport) -> Section | None:
    """Charts of images a second, one a phase."""
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


def result_section(report: CompareReport) -> Section | None:
    """Every row with all its figures."""
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


def _case(row: Result | Comparison) -> list[str]:
    return [row.phase, row.engine, row.precision, batch_of(row)]


def _label(row: Result) -> str:
    layout = "" if row.layout == "NCHW" else f", {row.layout}"
    return f"{row.engine}, {row.precision}{layout}, batch {batch_of(row)}, {row.threads} threads"


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
