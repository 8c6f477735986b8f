"""Results as tables for people."""

from collections.abc import Mapping, Sequence
from typing import Any

from tabulate import tabulate

from benchmarks.analysis import regression
from benchmarks.analysis.layers import layer_lines
from benchmarks.analysis.roofline import bound_words, machine_words
from benchmarks.parity.text.report import parity_lines
from benchmarks.report.answer import answer, confidence
from benchmarks.report.cold_start import cold_start_lines
from benchmarks.report.memory import memory_lines
from benchmarks.report.quantization import quantization_lines
from benchmarks.report.scaling import scaling_lines
from benchmarks.report.service import service_lines
from benchmarks.report.words import ratio_cells, speed_cells, verdict_words
from benchmarks.request.request import Request
from benchmarks.results.formatting import given_words, labeller, number, plus_minus
from benchmarks.results.schema import NOT_DECIDED, CompareReport, Comparison, Report, Result
from benchmarks.results.sentences import translated
from common.language import ENGLISH, Language
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
LEFT = ("phase", "engine", "precision", "layout", "verdict", "status")  # columns of words

FOOTNOTE = (
    "images/s: batch size over the median step; paddle / torch: from the blocks of each round, in which they "
    "took turns; above 1 paddle is faster; true ratio: where it lies with 95 %; repetition: where that of a "
    "run of the same length lies; noise: the same comparison of a backend with itself"
)


def run_report(request: Request, report: Report, say: Language = ENGLISH) -> str:
    """All that benchmarks.run prints: the circumstances, the figures, what was in force."""
    table = _table(RUN_COLUMNS, [_run_row(row, say) for row in report.results], say)
    warnings = [
        say("Careful: {warning}.", warning=translated(warning, say))
        for warning in report.environment.get("warnings", ())
    ]
    lines = [
        _heading(request, report, say),
        "",
        table,
        "",
        *service_lines(report.results, say),
        *memory_lines(report.results, say),
    ]
    lines += [*scaling_lines(report, say), *_notes(report, say)]
    return "\n".join([*lines, *layer_lines(report.results, say), *warnings])


def comparison_text(request: Request, report: CompareReport, say: Language = ENGLISH) -> str:
    """The answer, then the tables, then a sentence on each change against the baseline."""
    lines = [answer(report, say), confidence(report, say)]
    lines += [say("Missing: {line}.", line=translated(line, say)) for line in report.missing]
    changes = "\n".join(regression.sentence(entry, say) for entry in report.regressions)
    return "\n".join([*lines, "", compare_report(request, report, say), changes])


def compare_report(request: Request, report: CompareReport, say: Language = ENGLISH) -> str:
    """The tables of a comparison."""
    lines = [_heading(request, report, say), *parity_lines(report.parity, say)]
    if report.comparisons:
        rows = [_compare_row(row, say) for row in report.comparisons]
        lines += ["", _table(COMPARE_COLUMNS, rows, say), ""]
        lines += [say(FOOTNOTE), *_reasons(report.comparisons, say)]
        lines += [*service_lines(report.results, say), *memory_lines(report.results, say)]
        lines += [*scaling_lines(report, say), *cold_start_lines(report, say)]
        lines += [*_notes(report, say), *layer_lines(report.results, say)]
    return "\n".join(lines)


def _heading(request: Request, report: Report, say: Language) -> str:
    """Two lines: what was measured, and where."""
    environment = report.environment
    row = next((row for row in report.results if row.status == "ok"), None)
    device = row.device if row else request.device
    gpus = environment.get("gpus") or [say("an unknown GPU")]
    found = environment.get("backends", {})
    versions = ", ".join(f"{name} {facts.get(name)}" for name, facts in found.items())
    machine = say(
        "{versions} on {device} ({machine}), {threads} threads, {source}, settings {mode}",
        versions=versions or say("no framework"),
        device=device,
        machine="; ".join(gpus) if device.startswith("gpu") else environment.get("cpu"),
        threads=request.threads,
        source=_source(request, say),
        mode=request.settings_mode,
    )
    return f"{_what(request, row.parameters if row else None, say)}\n{machine}"


def _what(request: Request, parameters: int | None, say: Language) -> str:
    """The model and its size."""
    facts = {
        "title": _title(request, say),
        "model": request.model,
        "given": given_words(request.input_shape, [each.text for each in request.inputs], say),
        "classes": request.num_classes,
    }
    if not parameters:
        return say("{title}: {model}, {given}, {classes} classes", **facts)
    message = "{title}: {model}, {parameters} parameters, {given}, {classes} classes"
    return say(message, parameters=f"{parameters:,}", **facts)


def _title(request: Request, say: Language) -> str:
    if request.model in MODELS:
        return say(MODELS[request.model].title)
    if shipped_name(request.model):
        return say("Shipped by both libraries")
    return say("Models of one's own")


def _source(request: Request, say: Language) -> str:
    if request.data is None:
        return say("one fixed batch on the device")
    return say("images read from {data} inside the measured time", data=request.data)


def _notes(report: Report, say: Language) -> list[str]:
    """The settings in force, once per distinct combination, and why rows have no figure."""
    settings = [
        say("{backend}, {phase}: {settings}", backend=row.backend, phase=row.phase, settings=found)
        for row in report.results
        if row.settings and (found := _settings(row.settings, say))
    ]
    label = labeller(report.results, say)
    reasons = [
        say(
            "{backend} {case}: {status}: {reason}",
            backend=row.backend,
            case=label(row),
            status=say(row.status),
            reason=translated(row.reason or "", say),
        )
        for row in report.results
        if row.status != "ok"
    ]
    bounds = [
        say("{backend} {case}: {bound}", backend=row.backend, case=label(row), bound=bound_words(row, say))
        for row in report.results
        if row.roofline
    ]
    machine = machine_words(report.results, say)
    joules = [
        say.joined([f"{row.backend} {label(row)}", number(row.joules_per_image)], by=": ")
        for row in report.results
        if row.joules_per_image is not None
    ]
    lines = quantization_lines(report.results, say)
    if joules:
        lines += [say("Joules an image, of the GPU's whole board:"), *(f"  {line}" for line in joules)]
    if machine:
        lines += [say("What bounds a step ({machine}):", machine=machine), *(f"  {line}" for line in bounds)]
    if settings:
        lines += [say("In force:"), *(f"  {line}" for line in dict.fromkeys(settings))]
    return [*lines, *reasons]


def _run_row(result: Result, say: Language) -> list[str]:
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
        say(result.status),
    ]


def _compare_row(row: Comparison, say: Language) -> list[str]:
    return [
        row.phase,
        row.engine,
        row.precision,
        row.layout,
        str(row.threads or "-"),
        row.case.batch,
        *speed_cells(row),
        *ratio_cells(row, say),
        plus_minus(row.noise, say=say) if row.verdict != "invalid" else "-",
        verdict_words(row, say),
    ]


def _reasons(comparisons: Sequence[Comparison], say: Language) -> list[str]:
    """Why a row has no winner, and how many blocks were left out."""
    label = labeller(comparisons, say)
    lines = [
        say(
            "{case}: {verdict}: {reason}",
            case=label(row),
            verdict=say(row.verdict),
            reason=translated(row.reason, say),
        )
        for row in comparisons
        if row.verdict in NOT_DECIDED and row.reason
    ]
    return lines + [
        say(
            "{case}: {share} of the blocks were left out because others disturbed them",
            case=label(row),
            share=f"{row.left_out:.0%}",
        )
        for row in comparisons
        if row.left_out and row.verdict != "invalid"
    ]


def _table(columns: Sequence[str], rows: Sequence[Sequence[str]], say: Language) -> str:
    """Columns by their English names, which decide what is left out and how a column is aligned."""
    cells = zip(*rows, strict=True) if rows else [()] * len(columns)
    shown = [
        (name, column)
        for name, column in zip(columns, cells, strict=True)
        if name not in UNVARIED or len(set(column)) > 1
    ]
    return tabulate(
        list(zip(*(column for _, column in shown), strict=True)),
        headers=[say(name) for name, _ in shown],
        tablefmt="simple",
        colalign=["left" if name in LEFT else "right" for name, _ in shown],
        disable_numparse=True,
    )


def _settings(settings: Mapping[str, Any], say: Language) -> str:
    known = say.joined(f"{name} {value}" for name, value in settings.items() if value is not None)
    unknown = say.joined(name for name, value in settings.items() if value is None)
    if not unknown:
        return known
    return say("{known}; not applicable on this device: {unknown}", known=known, unknown=unknown)
