"""Parity on the page: a matrix of its stages, and the error of each tensor."""

from collections.abc import Mapping, Sequence
from typing import Any

from benchmarks.report.charts import depth_chart
from benchmarks.report.figures import Table
from benchmarks.report.section import Section
from benchmarks.results.schema import CompareReport
from common.language import Language

FEW_TENSORS = 40  # that a chart shows, the largest; the table has all


def parity_section(say: Language, report: CompareReport) -> Section | None:
    """A row for each stage, with its worst tensor; folded, the error of every tensor by depth."""
    if report.parity is None:
        return None
    stages = report.parity.get("stages", [])
    return Section(
        title=say("Parity"),
        note=say(
            "Do both compute the same, in float64 on the CPU? Verdict: {verdict}.",
            verdict=report.parity["verdict"],
        ),
        columns=[
            say("stage"),
            say("dtype"),
            say("tensors"),
            say("worst"),
            say("in"),
            say("tolerance"),
            say("verdict"),
        ],
        rows=[_row(stage) for stage in stages],
    )


def depth_section(say: Language, report: CompareReport) -> Section | None:
    """The error of every tensor by depth, a chart a stage; folded."""
    charts = []
    for stage in (report.parity or {}).get("stages", []):
        points = [(str(tensor["name"]), error) for tensor, error in _errors(stage)]
        if len(points) > 1 and stage.get("tolerance"):
            charts.append(_chart(say, stage, points))
    if not charts:
        return None
    title = say("Parity, tensor by tensor")
    return Section(
        title=title, note=say("In the order of the network; the table has all."), charts=charts, folded=True
    )


def _chart(say: Language, stage: Mapping[str, Any], points: Sequence[tuple[str, float]]) -> str:
    title = say("Error by depth: {stage}", stage=stage["stage"])
    least = sorted((error for _, error in points), reverse=True)[:FEW_TENSORS][-1]
    shown = [point for point in points if point[1] >= least][:FEW_TENSORS]
    if len(shown) < len(points):
        title = say("{title}, the {number} largest of {all}", title=title, number=len(shown), all=len(points))
    return depth_chart(
        title,
        shown,
        limit=stage["tolerance"],
        words=say("tolerance"),
        table=Table(
            heading=say("Numbers"),
            columns=[say("tensor"), say("relative L2")],
            rows=[[name, _error(error)] for name, error in points],
        ),
        say=say,
    )


def _errors(stage: Mapping[str, Any]) -> list[tuple[Mapping[str, Any], float]]:
    return [
        (tensor, float(tensor["relative_l2"]))
        for tensor in stage.get("tensors", [])
        if tensor.get("relative_l2") is not None
    ]


def _error(value: float) -> str:
    return f"{value:.1e}" if value else "0"


def _row(stage: Mapping[str, Any]) -> list[str]:
    errors = _errors(stage)
    worst = max(errors, key=lambda each: each[1], default=None)
    tolerance = stage.get("tolerance")
    return [
        str(stage.get("stage") or "-"),
        str(stage.get("dtype") or "-"),
        str(len(stage.get("tensors", []))),
        _error(worst[1]) if worst else "-",
        str(worst[0]["name"]) if worst else "-",
        f"{tolerance:.0e}" if tolerance else "-",
        str(stage.get("verdict") or "-"),
    ]
