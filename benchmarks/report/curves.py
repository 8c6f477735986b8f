"""Training curves, where runs were named."""

from collections.abc import Callable

from benchmarks.report.charts import Line, line_chart
from benchmarks.report.section import Section
from benchmarks.results.formatting import number
from benchmarks.results.schema import CompareReport, Curve, Epoch

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
