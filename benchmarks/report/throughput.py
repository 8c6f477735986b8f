"""Images a second, parts of a training step, latency and memory as pictures, and every result."""

from collections.abc import Callable, Sequence

from benchmarks.analysis.roofline import bound_words, machine_words
from benchmarks.report import said
from benchmarks.report.charts import Axis, Bars, Line, Stack, bar_chart, line_chart, stacked_chart
from benchmarks.report.comparison import MANY
from benchmarks.report.figures import Table
from benchmarks.report.section import Section, without_empty
from benchmarks.request.service import SERVE
from benchmarks.results.formatting import labeller, number
from benchmarks.results.schema import CompareReport, Result
from common.language import Language

DASHES = ("1 0", "6 3", "2 3", "9 3 2 3")  # of the engines of one backend
STEEP = 30  # times, from which throughput has a logarithmic axis


def throughput_section(say: Language, report: CompareReport) -> Section | None:
    """Throughput over batch size as lines, and as bars what was measured at one batch size only."""
    charts = []
    phases = dict.fromkeys(row.phase for row in report.results if row.phase != SERVE)  # that has rates
    for phase in phases:
        own = [row for row in report.results if row.phase == phase and row.images_per_second]
        lines, lone = _by_batch(own)
        for fixed, rows in lines.items():
            charts.append(_over_batch(say, say.joined([said.phase(say, phase), fixed]), rows))
        groups = _groups(lone, lambda row: row.images_per_second)
        if groups:
            title = say("{phase}, images a second", phase=said.phase(say, phase))
            charts.append(
                bar_chart(title, groups, unit="images/s", table=_bar_table(say, groups, "images/s"), say=say)
            )
    note = say("Higher lines and longer bars are faster.")
    title = say("Throughput")
    return Section(title=title, note=note, charts=charts, folded=len(charts) > MANY) if charts else None


def _by_batch(rows: Sequence[Result]) -> tuple[dict[str, list[Result]], list[Result]]:
    """Rows that make lines, by what is the same in a chart; and those of one batch size only."""
    series: dict[tuple[str, str, str], list[Result]] = {}
    names = ("threads", "processes", "beside")
    several = {name: len({getattr(row, name) for row in rows}) > 1 for name in names}
    for row in rows:
        fixed = [row.precision, *([row.layout] if row.layout != "NCHW" else [])]
        fixed += [f"{getattr(row, name)} {name}" for name, differs in several.items() if differs]
        series.setdefault((", ".join(fixed), row.backend, row.engine), []).append(row)
    lines: dict[str, list[Result]] = {}
    lone = []
    for (fixed_words, _, _), own in series.items():
        if len({row.batch_size for row in own}) > 1 and len(own) == len({row.batch_size for row in own}):
            lines.setdefault(fixed_words, []).extend(own)
        else:
            lone += own
    return lines, lone


def _over_batch(say: Language, title: str, rows: Sequence[Result]) -> str:
    engines = list(dict.fromkeys(row.engine for row in rows))
    sizes = sorted({row.batch_size for row in rows})
    speeds = [row.images_per_second or 0.0 for row in rows]
    lines, cells = [], []
    for engine in engines:
        for backend in dict.fromkeys(row.backend for row in rows):
            own = {row.batch_size: row for row in rows if (row.engine, row.backend) == (engine, backend)}
            if own:
                points = [(float(size), own[size].images_per_second or 0.0) for size in sizes if size in own]
                dashes = DASHES[engines.index(engine) % len(DASHES)]
                lines.append(Line(label=f"{backend}, {engine}", kind=backend, points=points, dashes=dashes))
                figures = [number(own[size].images_per_second) if size in own else "-" for size in sizes]
                cells.append([f"{backend}, {engine}", *figures])
    steep = max(speeds) > STEEP * min(speeds)
    columns = [say("images/s at batch"), *map(str, sizes)]
    return line_chart(
        say("{what}, images a second by batch size", what=title),
        lines,
        x=Axis(label=say("batch size"), log=True, at=[float(size) for size in sizes]),
        y=Axis(label="images/s", log=steep, zero=True),
        table=Table(heading=say("Numbers"), columns=columns, rows=cells),
        say=say,
    )


def _groups(
    rows: Sequence[Result], value: Callable[[Result], float | None], *, phases: bool = False
) -> list[Bars]:
    """Bars of the same combination beside each other."""
    found: dict[str, list[tuple[str, float | None, str]]] = {}
    for row in rows:
        label = f"{row.phase}, {_label(row)}" if phases else _label(row)
        found.setdefault(label, []).append((row.backend, value(row), number(value(row))))
    return [Bars(label=label, bars=bars) for label, bars in found.items()]


def _label(row: Result) -> str:
    layout = "" if row.layout == "NCHW" else f", {row.layout}"
    return f"{row.engine}, {row.precision}{layout}, batch {row.case.batch}, {row.threads} threads"


def _bar_table(say: Language, groups: Sequence[Bars], unit: str) -> Table:
    names = list(dict.fromkeys(name for group in groups for name, _, _ in group.bars))
    rows = []
    for group in groups:
        found = {name: words for name, _, words in group.bars}
        rows.append([group.label, *(found.get(name, "-") for name in names)])
    columns = [say("combination"), *(f"{name}, {unit}" for name in names)]
    return Table(heading=say("Numbers"), columns=columns, rows=rows)


def step_section(say: Language, report: CompareReport) -> Section | None:
    """A training step as a bar of its parts, one a backend and combination."""
    rows = [row for row in report.results if None not in (row.backward_seconds, row.optimizer_seconds)]
    if not rows:
        return None
    names = [say("forward"), say("backward"), say("optimizer")]
    shown = rows if len(rows) <= 2 * MANY else _best_rows(report, rows)
    stacks = [Stack(label=_label(row), backend=row.backend, values=_step_parts(row)) for row in shown]
    cells = [[f"{row.backend}, {_label(row)}", *map(number, _step_parts(row))] for row in rows]
    chart = stacked_chart(
        say("A training step in its parts, ms"),
        stacks,
        names,
        unit="ms",
        table=Table(heading=say("Numbers"), columns=["ms", *names], rows=cells),
        say=say,
    )
    note = say(
        "Medians of each part: the forward pass with the loss, the backward pass, the optimizer's update. "
        "Shorter is faster."
    )
    if len(shown) < len(rows):
        note += say.space + say("The picture has the best of both at each batch size; the table has all.")
    return Section(title=say("A training step in its parts"), note=note, charts=[chart])


def _step_parts(row: Result) -> list[float]:
    """Milliseconds of forward, backward and the update."""
    parts = (row.forward_seconds, row.backward_seconds, row.optimizer_seconds)
    return [1000 * (seconds or 0.0) for seconds in parts]


def _best_rows(report: CompareReport, rows: Sequence[Result]) -> list[Result]:
    """The rows of the best of both sides."""
    best = {
        (entry.phase, entry.batch_size, name, getattr(entry, name).images_per_second)
        for entry in report.best
        for name in ("torch", "paddle")
    }
    found = [row for row in rows if (row.phase, row.batch_size, row.backend, row.images_per_second) in best]
    ordered = sorted(found, key=lambda row: (row.batch_size, _label(row)))
    return ordered[: 2 * MANY] or [*rows[: 2 * MANY]]


def cost_section(say: Language, report: CompareReport) -> Section | None:
    """Charts of what else a step costs: the time that one in twenty exceeds, memory, and money."""
    charts = []
    for title, unit, value in (
        (say("Latency that 95 % of the steps stay below, ms (from 100 steps)"), "ms", _p95),
        (say("Peak memory, MiB"), "MiB", _peak_mib),
        (say("Cost of a million images, in the currency of the price"), "/ 1e6", _cost),
    ):
        groups = _groups([row for row in report.results if value(row)], value, phases=True)
        if groups:
            charts.append(bar_chart(title, groups, unit=unit, table=_bar_table(say, groups, unit), say=say))
    note = say("Shorter is better. Memory is what the worker held above one that had done a tiny step.")
    if not charts:
        return None
    many = len(report.results) > 2 * MANY
    return Section(title=say("Latency, memory, cost"), note=note, charts=charts, folded=many)


def _p95(row: Result) -> float | None:
    return row.latency_ms.p95 if row.latency_ms else None


def _cost(row: Result) -> float | None:
    return row.cost_per_million_images


def _peak_mib(row: Result) -> float | None:
    return None if row.peak_memory_bytes is None else row.peak_memory_bytes / 2**20


def result_section(say: Language, report: CompareReport) -> Section | None:
    """Every row with its speed, latency, memory and cost."""
    label = labeller(report.results, say)
    columns = [say("combination"), say("backend"), "images/s", "p50 ms", "p95 ms", "p99 ms", say("steps")]
    columns += [say("peak MiB"), say("cost / million"), say("J / image"), say("status")]
    rows = []
    for row in report.results:
        latency = row.latency_ms
        rows.append(
            [
                label(row),
                row.backend,
                number(row.images_per_second),
                *(number(getattr(latency, key, None)) for key in ("p50", "p95", "p99")),
                str(latency.n) if latency and latency.n else "-",
                number(_peak_mib(row)),
                number(row.cost_per_million_images),
                number(row.joules_per_image),
                say(row.status),
            ]
        )
    note = say(
        "Latency of whole steps (p95 from 100 of them, p99 from 500); memory above a warmed-up worker "
        "without the model."
    )
    groups = {say("backend"): [row.backend for row in report.results]}
    groups[say("phase")] = [said.phase(say, row.phase) for row in report.results]
    title = say("Every result")
    return without_empty(Section(title=title, note=note, columns=columns, rows=rows, groups=groups))


def limit_section(say: Language, report: CompareReport) -> Section | None:
    """How near each row came to what the machine can do, and to the exact result."""
    label = labeller(report.results, say)
    measured = [row for row in report.results if row.status == "ok"]
    columns = [say("combination"), say("backend"), say("of matmul peak"), say("bound"), say("compile s")]
    columns += [say("load s"), say("deployed MiB"), say("error")]
    rows = [
        [
            label(row),
            row.backend,
            _peak_share(say, row),
            bound_words(row, say),
            number(row.compile_seconds),
            number(row.load_seconds),
            number(row.deployed_bytes / 2**20 if row.deployed_bytes else None),
            "-" if row.error is None else f"{row.error:.1e}",
        ]
        for row in measured
    ]
    note = say(
        "The part of the machine's matrix-product peak that was reached, the best that either framework "
        "reached in this run (above it where an engine convolves with fewer multiplications than are "
        "counted, or the peak was disturbed); the bound of a step, its operations at that peak or its bytes "
        "at the memory's bandwidth, whichever takes longer, and the part of it that was reached (far below "
        "both: less than half; above: the caches hold what is counted as memory, or fewer operations are "
        "done); deployed, on disk: what was compiled ahead, else the weights; the error of the logits, "
        "relative L2 from eager float64."
    )
    machine = machine_words(report.results, say)
    if machine:
        note += say.space + say("Here {machine}.", machine=machine)
    title = say("What bounds a step, and errors")
    folded = len(rows) > MANY
    return without_empty(Section(title=title, note=note, columns=columns, rows=rows, folded=folded))


def _peak_share(say: Language, row: Result) -> str:
    fraction = row.fraction_of_matmul_peak
    if fraction is None:
        return "-"
    return f"{fraction:.1%}" + (say(" (above)") if fraction > 1 else "")
