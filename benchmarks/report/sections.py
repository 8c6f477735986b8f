"""One part of a report, as both pages show it."""

from collections.abc import Callable, Sequence

from benchmarks.analysis.layers import compared_layers, layer_gaps, layer_remarks, layer_sums, times_of
from benchmarks.analysis.roofline import bound_words, machine_words
from benchmarks.report.charts import Bars, Line, bar_chart, gap_chart, line_chart
from benchmarks.report.section import Section, without_empty
from benchmarks.report.words import ratio_cells, speed_cells, verdict_words
from benchmarks.request.request import REFERENCES
from benchmarks.results.formatting import labeller, number, plus_minus, signed
from benchmarks.results.schema import NOT_DECIDED, CompareReport, Comparison, Curve, Epoch, Result
from common.engines.kinds import EAGER


def comparison_section(report: CompareReport) -> Section | None:
    """Both backends in one row each, and beside them the reference where it computed the same."""
    pairs = [row for row in report.comparisons if row.engine not in REFERENCES]
    label = labeller(pairs)
    neutral = {_place(row): row for row in report.comparisons if row.engine in REFERENCES}
    rows = [
        [
            label(row),
            *ratio_cells(row),
            verdict_words(row),
            plus_minus(row.noise) if row.verdict != "invalid" else "-",
            *speed_cells(row),
            *_of_reference(neutral.get(_place(row))),
            signed(row.drift),
            "-" if row.outliers is None else f"{row.outliers:.1%}",
            "-" if row.left_out is None else f"{row.left_out:.0%}",
            row.reason if row.verdict in NOT_DECIDED and row.reason else "-",
        ]
        for row in pairs
    ]
    columns = ["combination", "paddle / torch", "true ratio, 95 %", "repetition, 95 %", "verdict", "noise"]
    columns += ["torch images/s", "paddle images/s"]
    columns += ["ONNX Runtime images/s, torch's export", "paddle's export", "drift", "outliers"]
    columns += ["left out", "why no winner"]
    note = (
        "Ratio above 1: paddle is faster. The ratio is combined from the ratios of the rounds, in which both "
        "took turns, so it can differ slightly from the quotient of the two columns of images per second. "
        "True ratio: where it lies, 95 times in 100; the verdict is made of it. Repetition: where that of a "
        "run of the same length lies. Noise: half the repetition interval of the same comparison between a "
        "backend and itself. Drift: how the ratio moved from the first half of the rounds to the second. "
        "Outliers: unusually slow steps; they do not affect the ratio. Left out: blocks that other programs "
        "or the host disturbed, as the kernel counted."
    )
    if neutral:
        note += " ONNX Runtime, which is neither's, computed the same model as each exported it, in fp32."
    return without_empty(Section(title="Side by side", note=note, columns=columns, rows=rows))


def _place(row: Comparison) -> tuple[object, ...]:
    threads = None if row.settings == "tuned" else row.threads  # what was chosen, and not for the reference
    return row.phase, row.case.batch, threads, row.device


def _of_reference(row: Comparison | None) -> list[str]:
    if row is None:
        return ["-", "-"]
    return [number(row.torch_images_per_second), number(row.paddle_images_per_second)]


def throughput_section(report: CompareReport) -> Section | None:
    """Charts of images a second, one a phase."""
    charts = []
    for phase in dict.fromkeys(row.phase for row in report.results):
        own = [row for row in report.results if row.phase == phase and row.images_per_second]
        groups = _groups(own, lambda row: row.images_per_second)
        if groups:
            charts.append(bar_chart(f"Throughput, phase {phase}, images a second", groups, unit="images/s"))
    return Section(title="Throughput", note="Longer is faster.", charts=charts) if charts else None


def cost_section(report: CompareReport) -> Section | None:
    """Charts of what else a step costs: the time that one in twenty exceeds, and memory."""
    charts = []
    for title, unit, value in (
        ("Latency that 95 % of the steps stay below, ms (from 100 steps)", "ms", _p95),
        ("Peak memory, MiB", "MiB", _peak_mib),
    ):
        groups = _groups([row for row in report.results if value(row)], value, phases=True)
        if groups:
            charts.append(bar_chart(title, groups, unit=unit))
    note = "Shorter is better. Memory is what the worker held above one that had done a tiny step."
    return Section(title="Latency and memory", note=note, charts=charts) if charts else None


def result_section(report: CompareReport) -> Section | None:
    """Every row with all its figures."""
    label = labeller(report.results)
    columns = ["backend", "combination", "images/s", "p50 ms", "p95 ms", "p99 ms", "steps"]
    more = [
        "peak MiB",
        "deployed MiB",
        "of matmul peak",
        "bound",
        "compile s",
        "load s",
        "error",
        "cost / million",
        "status",
    ]
    return without_empty(
        Section(
            title="Every result",
            note="Latency of whole steps (p95 from 100 of them, p99 from 500); "
            "memory above a warmed-up worker without the model; the part of the machine's matrix-product "
            "peak that was reached, the best that either framework reached in this run (above it where an "
            "engine convolves with fewer multiplications than are counted, or the peak was disturbed); the "
            "bound of a step, its operations at that peak or its bytes at the memory's bandwidth, whichever "
            "takes longer, and the part of it that was reached (far below both: less than half; above: the "
            "caches hold what is counted as memory, or fewer operations are done); the error of the "
            f"logits, relative L2 from eager float64.{_machine(report)}",
            columns=columns + more,
            rows=[_result(row, label(row)) for row in report.results],
        )
    )


def _machine(report: CompareReport) -> str:
    words = machine_words(report.results)
    return f" Here {words}." if words else ""


def _groups(
    rows: Sequence[Result], value: Callable[[Result], float | None], *, phases: bool = False
) -> list[Bars]:
    """Bars of the same combination beside each other."""
    found: dict[str, list[tuple[str, float | None, str]]] = {}
    for row in rows:
        label = f"{row.phase}, {_label(row)}" if phases else _label(row)
        found.setdefault(label, []).append((row.backend, value(row), number(value(row))))
    return [Bars(label=label, bars=bars) for label, bars in found.items()]


def _p95(row: Result) -> float | None:
    return row.latency_ms.p95 if row.latency_ms else None


def _peak_mib(row: Result) -> float | None:
    return None if row.peak_memory_bytes is None else row.peak_memory_bytes / 2**20


def _label(row: Result) -> str:
    layout = "" if row.layout == "NCHW" else f", {row.layout}"
    return f"{row.engine}, {row.precision}{layout}, batch {row.case.batch}, {row.threads} threads"


def time_section(report: CompareReport) -> Section | None:
    """The ratio of each round in the order measured, one chart a combination."""
    label = labeller(report.comparisons)
    charts = []
    for row in report.comparisons:
        if len(row.round_ratios) > 1 and row.verdict != "invalid":
            points = [(float(place), ratio) for place, ratio in enumerate(row.round_ratios, start=1)]
            line = Line(label="paddle / torch", kind="paddle", points=points)
            charts.append(line_chart(f"{label(row)}, by round", [line], unit="round"))
    note = "The ratio of each round, in the order measured: a machine that changed meanwhile shows here."
    return Section(title="Over time", note=note, charts=charts) if charts else None


def _result(row: Result, label: str) -> list[str]:
    latency = row.latency_ms
    fraction = row.fraction_of_matmul_peak
    return [
        row.backend,
        label,
        number(row.images_per_second),
        *(number(getattr(latency, key, None)) for key in ("p50", "p95", "p99")),
        str(latency.n) if latency and latency.n else "-",
        number(_peak_mib(row)),
        number(row.deployed_bytes / 2**20 if row.deployed_bytes else None),
        "-" if fraction is None else f"{fraction:.1%}" + (" (above)" if fraction > 1 else ""),
        bound_words(row),
        number(row.compile_seconds),
        number(row.load_seconds),
        "-" if row.error is None else f"{row.error:.1e}",
        number(row.cost_per_million_images),
        row.status,
    ]


LAYER_COLUMNS = (
    "layer",
    "type",
    "one image",
    "torch forward ms",
    "paddle forward ms",
    "torch backward ms",
    "paddle backward ms",
    "gap ms",
    "part of all gaps",
    "kernels named",
)
FEW_LAYERS = 12  # that a chart shows; the table has all


def layer_section(report: CompareReport) -> Section | None:
    """Table of each layer's share of the gap.

    Returns None where layers were not timed on both sides.
    """
    pairs = layer_gaps(report.results)
    if not pairs:
        return None
    row = compared_layers(report.results)["torch"]
    total = sum(abs(pair["gap"]) for pair in pairs) or 1.0
    rows = [
        [
            pair["name"],
            pair["type"],
            pair["shape"],
            *times_of(pair),
            f"{abs(pair['gap']) / total:.1%}",
            pair["kernels"],
        ]
        for pair in pairs
    ]
    rows += [
        [row["name"], row["type"], row["shape"], *times_of(row), "-", row["kernels"]]
        for row in layer_sums(report.results)
    ]
    chart = gap_chart(
        "Paddle's time less torch's, by layer, forward and backward",
        [(p["name"], p["gap"], f"{p['gap'] * 1000:+.3g} ms") for p in pairs[:FEW_LAYERS]],
        unit="milliseconds",
    )
    return without_empty(
        Section(
            title="Why: layer by layer",
            note=f"Each layer alone in eager mode, on its input inside the model, in {row.precision}, batch "
            f"of {row.batch_size}, phase {row.phase}; sorted by what it contributes. {engines_words(report)}",
            columns=LAYER_COLUMNS,
            rows=rows,
            charts=[chart],
            lines=layer_remarks(report.results),
        )
    )


def engines_words(report: CompareReport) -> str:
    """The plain word that an engine which fuses layers has none to show."""
    best = {side.engine for entry in report.best for side in (entry.torch, entry.paddle)}
    others = [engine for engine in dict.fromkeys(best) if engine != EAGER.name]
    if not others:
        return ""
    return f"The answer is about {' and '.join(sorted(others))}, without layers to time: these are eager's."


Value = Callable[[Epoch], float | None]
SHOWN: tuple[tuple[str, Value], ...] = (
    ("Training loss", lambda epoch: epoch.train_loss),
    ("Validation loss", lambda epoch: epoch.valid_loss),
    ("Validation accuracy", lambda epoch: epoch.valid_accuracy),
)


def curve_section(report: CompareReport) -> Section | None:
    """Loss and accuracy by epoch; None where no runs were named."""
    if not report.curves:
        return None
    charts = []
    for title, value in SHOWN:
        lines = [_line(curve, value) for curve in report.curves]
        shown = [line for line in lines if line.points]
        if shown:
            charts.append(line_chart(f"{title} by epoch", shown, unit="epoch"))
    columns = ["run", "backend", "recipe", "model", "epochs"]
    return Section(
        title="Training",
        note="Runs that were named with --curves; the table has their last epoch.",
        charts=charts,
        columns=[*columns, *(title.lower() for title, _ in SHOWN)],
        rows=[_row(curve) for curve in report.curves],
    )


def _line(curve: Curve, value: Value) -> Line:
    found = ((epoch.epoch, value(epoch)) for epoch in curve.epochs)
    points = [(float(number), figure) for number, figure in found if figure is not None]
    return Line(label=f"{curve.backend or 'run'}, {curve.folder}", kind=curve.backend or "", points=points)


def _row(curve: Curve) -> list[str]:
    last = curve.epochs[-1]
    figures = [number(value(last)) for _, value in SHOWN]
    return [curve.folder, curve.backend or "-", curve.recipe, curve.model, str(len(curve.epochs)), *figures]
