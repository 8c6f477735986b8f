"""Results as tables for people."""

from collections.abc import Mapping, Sequence
from typing import Any

from tabulate import tabulate

from benchmarks.analysis import regression
from benchmarks.analysis.layers import layer_lines
from benchmarks.analysis.roofline import bound_words, machine_words
from benchmarks.parity.text import parity_lines
from benchmarks.report.answer import answer, confidence
from benchmarks.report.memory import memory_lines
from benchmarks.report.scaling import scaling_lines
from benchmarks.report.service import service_lines
from benchmarks.report.words import ratio_cells, speed_cells, verdict_words
from benchmarks.request.request import Request
from benchmarks.results.formatting import labeller, number, plus_minus
from benchmarks.results.schema import NOT_DECIDED, CompareReport, Comparison, Report, Result
from common.model_cards import MODELS
from common.shipped import shipped_name

RUN_COLUMNS = (
    "phase",
    "engine",
    "precision",
    "layout",
    "threads",
    "batch",
    "images/s",
    "p50 ms",
    "p95 ms",
    "p99 ms",
    "steps",
    "peak MiB",
    "status",
)
COMPARE_COLUMNS = (
    "phase",
    "engine",
    "precision",
    "layout",
    "threads",
    "batch",
    "torch images/s",
    "paddle images/s",
    "paddle / torch",
    "true ratio",
    "repetition",
    "noise",
    "verdict",
)

UNVARIED = ("layout", "threads")  # left out where all rows have the same

FOOTNOTE = (
    "images/s: batch size over the median step; paddle / torch: from the ratio of each round, in which they "
    "took turns; above 1 paddle is faster; true ratio: where it lies with 95 %; repetition: where that of a "
    "run of the same length lies; noise: the same comparison of a backend with itself"
)


def run_report(request: Request, report: Report) -> str:
    """All that benchmarks.run prints: the circumstances, the figures, what was in force."""
    table = _table(RUN_COLUMNS, [_run_row(row) for row in report.results])
    warnings = [f"Careful: {warning}." for warning in report.environment.get("warnings", ())]
    lines = [
        _heading(request, report),
        "",
        table,
        "",
        *service_lines(report.results),
        *memory_lines(report.results),
    ]
    lines += [*scaling_lines(report), *_notes(report)]
    return "\n".join([*lines, *layer_lines(report.results), *warnings])


def comparison_text(request: Request, report: CompareReport) -> str:
    """The answer, then the tables, then a sentence on each change against the baseline."""
    changes = "\n".join(regression.sentence(entry) for entry in report.regressions)
    missing = "".join(f"\nMissing: {line}." for line in report.missing)
    return f"{answer(report)}\n{confidence(report)}{missing}\n\n{compare_report(request, report)}\n{changes}"


def compare_report(request: Request, report: CompareReport) -> str:
    """The tables of a comparison."""
    lines = [_heading(request, report), *parity_lines(report.parity)]
    if report.comparisons:
        lines += ["", _table(COMPARE_COLUMNS, [_compare_row(row) for row in report.comparisons]), ""]
        lines += [FOOTNOTE, *_reasons(report.comparisons)]
        lines += [*service_lines(report.results), *memory_lines(report.results)]
        lines += scaling_lines(report)
        lines += [*_notes(report), *layer_lines(report.results)]
    return "\n".join(lines)


def _heading(request: Request, report: Report) -> str:
    environment = report.environment
    row = next((row for row in report.results if row.status == "ok"), None)
    device = row.device if row else request.device
    shape = "x".join(map(str, request.input_shape))
    count = f", {row.parameters:,} parameters" if row and row.parameters else ""
    found = environment.get("backends", {})
    versions = ", ".join(f"{name} {facts.get(name)}" for name, facts in found.items())
    gpus = environment.get("gpus") or ["an unknown GPU"]
    machine = "; ".join(gpus) if device.startswith("gpu") else environment.get("cpu")
    return (
        f"{_title(request)}: {request.model}{count}, images {shape}, "
        f"{request.num_classes} classes\n"
        f"{versions or 'no framework'} on {device} ({machine}), {request.threads} threads, "
        f"{_source(request)}, settings {request.settings_mode}"
    )


def _title(request: Request) -> str:
    if request.model in MODELS:
        return MODELS[request.model].title
    return "Shipped by both libraries" if shipped_name(request.model) else "Models of one's own"


def _source(request: Request) -> str:
    if request.data is None:
        return "one fixed batch on the device"
    return f"images read from {request.data} inside the measured time"


def _notes(report: Report) -> list[str]:
    """The settings in force, once per distinct combination, and why rows have no figure."""
    settings = [
        f"{row.backend}, {row.phase}: {_settings(row.settings)}" for row in report.results if row.settings
    ]
    label = labeller(report.results)
    reasons = [
        f"{row.backend} {label(row)}: {row.status}: {row.reason}"
        for row in report.results
        if row.status != "ok"
    ]
    bounds = [f"  {row.backend} {label(row)}: {bound_words(row)}" for row in report.results if row.roofline]
    machine = machine_words(report.results)
    lines = [f"What bounds a step ({machine}):", *bounds] if machine else []
    if settings:
        lines += ["In force:", *(f"  {line}" for line in dict.fromkeys(settings))]
    return [*lines, *reasons]


def _run_row(result: Result) -> list[str]:
    latency = result.latency_ms
    return [
        result.phase,
        result.engine,
        result.precision,
        result.layout,
        str(result.threads),
        result.case.batch,
        number(result.images_per_second),
        *([number(value) for value in (latency.p50, latency.p95, latency.p99)] if latency else ["-"] * 3),
        str(latency.n) if latency and latency.n else "-",
        f"{result.peak_memory_bytes / 2**20:.0f}" if result.peak_memory_bytes is not None else "-",
        result.status,
    ]


def _compare_row(row: Comparison) -> list[str]:
    return [
        row.phase,
        row.engine,
        row.precision,
        row.layout,
        str(row.threads or "-"),
        row.case.batch,
        *speed_cells(row),
        *ratio_cells(row),
        plus_minus(row.noise) if row.verdict != "invalid" else "-",
        verdict_words(row),
    ]


def _reasons(comparisons: Sequence[Comparison]) -> list[str]:
    """Why a row has no winner, and how many blocks were left out."""
    label = labeller(comparisons)
    lines = [
        f"{label(row)}: {row.verdict}: {row.reason}"
        for row in comparisons
        if row.verdict in NOT_DECIDED and row.reason
    ]
    return lines + [
        f"{label(row)}: {row.left_out:.0%} of the blocks were left out because others disturbed them"
        for row in comparisons
        if row.left_out and row.verdict != "invalid"
    ]


def _table(columns: Sequence[str], rows: Sequence[Sequence[str]]) -> str:
    cells = zip(*rows, strict=True) if rows else [()] * len(columns)
    shown = {
        name: column
        for name, column in zip(columns, cells, strict=True)
        if name not in UNVARIED or len(set(column)) > 1
    }
    words = ("phase", "engine", "precision", "layout", "verdict", "status")
    alignment = ["left" if name in words else "right" for name in shown]
    return tabulate(shown, headers="keys", tablefmt="simple", colalign=alignment, disable_numparse=True)


def _settings(settings: Mapping[str, Any]) -> str:
    known = ", ".join(f"{name} {value}" for name, value in settings.items() if value is not None)
    unknown = ", ".join(name for name, value in settings.items() if value is None)
    return f"{known}; not applicable on this device: {unknown}" if unknown else known
