"""Training runs on the page: loss and accuracy by epoch."""

from collections.abc import Callable

from benchmarks.report.charts import Axis, Line, line_chart
from benchmarks.report.figures import Table
from benchmarks.report.section import Section
from benchmarks.results.formatting import number
from benchmarks.results.schema import CompareReport, Curve, Epoch
from common.language import Language

Value = Callable[[Epoch], float | None]


def _shown(say: Language) -> tuple[tuple[str, Value], ...]:
    return (
        (say("Training loss"), lambda epoch: epoch.train_loss),
        (say("Validation loss"), lambda epoch: epoch.valid_loss),
        (say("Validation accuracy"), lambda epoch: epoch.valid_accuracy),
    )


def curve_section(say: Language, report: CompareReport) -> Section | None:
    """Loss and accuracy by epoch; None where no runs were named."""
    if not report.curves:
        return None
    charts = []
    for title, value in _shown(say):
        lines = [_line(curve, value) for curve in report.curves]
        shown = [line for line in lines if line.points]
        if shown:
            charts.append(_chart(say, title, shown))
    columns = [say("run"), say("backend"), say("recipe"), say("model"), say("epochs")]
    return Section(
        title=say("Training runs"),
        note=say("Runs that were named with --curves; the table has their last epoch."),
        charts=charts,
        columns=[*columns, *(title for title, _ in _shown(say))],
        rows=[_row(say, curve) for curve in report.curves],
    )


def _chart(say: Language, title: str, lines: list[Line]) -> str:
    epochs = sorted({epoch for line in lines for epoch, _ in line.points})
    found = [dict(line.points) for line in lines]
    return line_chart(
        say("{what} by epoch", what=title),
        lines,
        x=Axis(label=say("epoch")),
        y=Axis(label=title),
        table=Table(
            heading=say("Numbers"),
            columns=[say("epoch"), *(line.label for line in lines)],
            rows=[[f"{epoch:g}", *(number(own.get(epoch), 4) for own in found)] for epoch in epochs],
        ),
        say=say,
    )


def _line(curve: Curve, value: Value) -> Line:
    found = ((epoch.epoch, value(epoch)) for epoch in curve.epochs)
    points = [(float(epoch), figure) for epoch, figure in found if figure is not None]
    return Line(label=f"{curve.backend or 'run'}, {curve.folder}", kind=curve.backend or "", points=points)


def _row(say: Language, curve: Curve) -> list[str]:
    last = curve.epochs[-1]
    figures = [number(value(last)) for _, value in _shown(say)]
    return [curve.folder, curve.backend or "-", curve.recipe, curve.model, str(len(curve.epochs)), *figures]
