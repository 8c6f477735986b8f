"""A report's parts, as tables and charts that both pages show."""

from benchmarks.results.formatting import labeller, number
from benchmarks.report.charts import depth_chart
from benchmarks.report.curves import curve_section
from benchmarks.report.figures import comparison_section, cost_section, result_section, throughput_section
from benchmarks.report.layers import layer_section
from benchmarks.report.scaling import scaling_section
from benchmarks.report.section import Section
from benchmarks.results.schema import CompareReport


def sections(report: CompareReport) -> list[Section]:
    """All parts for which there is something to show."""
    parts = (
        comparison_section,
        throughput_section,
        scaling_section,
        cost_section,
        result_section,
        layer_section,
        _parity,
        curve_section,
        _tuning,
        _settings,
    )
    return [section for section in (part(report) for part in parts) if section is not None]


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
    label = labeller(report.results)
    in_force = [
        f"in force, {row.backend} {label(row)}: "
        + ", ".join(f"{name} {value}" for name, value in row.settings.items() if value is not None)
        for row in report.results
        if row.settings
    ]
    return Section(title="Settings and environment", note="", lines=[*lines, *dict.fromkeys(in_force)])
