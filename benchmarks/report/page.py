"""report.html and report.md, from a report's parts."""

import re
from collections.abc import Sequence
from functools import cache
from pathlib import Path
from typing import TYPE_CHECKING, Any

from benchmarks.report.answer import answer, confidence, not_measured
from benchmarks.report.charts import PATTERN, depth_chart
from benchmarks.report.memory import memory_section
from benchmarks.report.scaling import scaling_section
from benchmarks.report.section import Section
from benchmarks.report.sections import (
    comparison_section,
    cost_section,
    curve_section,
    layer_section,
    result_section,
    throughput_section,
    time_section,
)
from benchmarks.report.service import service_section
from benchmarks.results.formatting import labeller, markdown_text, number
from benchmarks.results.result_file import write
from benchmarks.results.schema import CompareReport
from common.files import write_text

if TYPE_CHECKING:
    from jinja2 import Environment
    from markupsafe import Markup

TEMPLATES = Path(__file__).parent / "templates"


def write_pages(report: CompareReport, folder: Path) -> None:
    """Write report.html, report.md and result.json into a folder that is there."""
    for name in ("report.html", "report.md"):
        write_text(folder / name, render(report, name))
    write(report, folder / "result.json")


def render(report: CompareReport, name: str) -> str:
    """One of the pages as text.

    The HTML one holds all that it needs: nothing is fetched.
    """
    return templates(markdown=name.endswith(".md")).get_template(f"{name}.j2").render(**_facts(report))


def _facts(report: CompareReport) -> dict[str, Any]:
    model = report.results[0].model if report.results else "nothing measured"
    return {
        "title": f"PaddlePaddle or PyTorch: {model}",
        "answer": answer(report),
        "confidence": confidence(report),
        "sections": sections(report),
        "not_measured": not_measured(report),
        "date": minute(report.environment.get("date") or ""),
        "machine": "; ".join(report.environment.get("gpus") or []) or report.environment.get("cpu"),
        "pattern": PATTERN,
        "style": (TEMPLATES / "style.css").read_text(),
        "script": (TEMPLATES / "sort.js").read_text(),
    }


def minute(date: str) -> str:
    """A date as the file has it, such as 2026-01-31T12:34:56+00:00, for people."""
    return date[:16].replace("T", " ") + " UTC" if date.endswith("+00:00") else date


@cache
def templates(*, markdown: bool) -> "Environment":
    """The pages' templates, with their filters; Markdown shows text as text."""
    from jinja2 import Environment, FileSystemLoader, StrictUndefined, select_autoescape

    environment = Environment(
        loader=FileSystemLoader(TEMPLATES),
        autoescape=select_autoescape(["html.j2"]),
        finalize=_markdown if markdown else None,
        undefined=StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
    )
    environment.filters |= {"with_flags": _with_flags, "cells": _cells}
    return environment


def _markdown(value: Any) -> Any:
    """What a template prints, as Markdown shows it."""
    from markupsafe import Markup

    return value if isinstance(value, Markup) else Markup(markdown_text(value))  # noqa: S704 - escaped


def _cells(row: Sequence[object]) -> "Markup":
    """A row of a Markdown table."""
    from markupsafe import Markup

    return Markup(" | ").join(_markdown(cell) for cell in row)


def _with_flags(line: str) -> "Markup":
    """A line with its flags as code, so that no browser breaks one after its dashes."""
    from markupsafe import Markup, escape

    return Markup(re.sub(r"--[a-z][a-z-]*", r"<code>\g<0></code>", str(escape(line))))  # noqa: S704 - escaped


def sections(report: CompareReport) -> list[Section]:
    """All parts for which there is something to show."""
    parts = (
        comparison_section,
        time_section,
        throughput_section,
        service_section,
        memory_section,
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


def _measured(report: CompareReport) -> list[str]:
    """When each combination was measured, and what the machine did."""
    label = labeller(report.comparisons)
    lines = []
    for row in report.comparisons:
        if row.circumstances is not None:
            facts = row.circumstances.model_dump(exclude_none=True, exclude_defaults=True)
            words = ", ".join(f"{name} {value}" for name, value in facts.items())
            lines.append(f"measured, {label(row)}: {words}, {row.pairs} pairs, {number(row.seconds)} s")
    return lines


def _settings(report: CompareReport) -> Section:
    environment = report.environment
    lines = [f"{name}: {value}" for name, value in environment.items() if value not in (None, [], {})]
    lines += [f"asked for, {name}: {value}" for name, value in (report.request or {}).items()]
    lines += _measured(report)
    label = labeller(report.results)
    in_force = [
        f"in force, {row.backend} {label(row)}: "
        + ", ".join(f"{name} {value}" for name, value in row.settings.items() if value is not None)
        for row in report.results
        if row.settings
    ]
    return Section(title="Settings and environment", note="", lines=[*lines, *dict.fromkeys(in_force)])
