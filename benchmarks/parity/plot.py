"""A picture of error by depth: every layer's output and every gradient, in both precisions."""

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

from benchmarks.parity.tensors.tensor_name import TensorName
from common.cli import UsageError
from common.files import replacing

FLOOR = 1e-17  # where exact agreement is drawn on a logarithmic axis
SERIES = (
    ("float64", "#0072b2", "o", "float64, paddle against torch"),
    ("torch", "#e69f00", "^", "float32, torch against float64"),
    ("paddle", "#009e73", "v", "float32, paddle against float64"),
)


def draw(report: Mapping[str, Any], path: Path) -> None:
    """Write the picture.

    Its format is that of the file's ending. Raises UsageError for an unknown one.
    """
    from matplotlib.figure import Figure

    stages = {stage["stage"]: stage for stage in report["stages"]}
    figure = Figure(figsize=(11, 7), layout="constrained")
    upper, lower = figure.subplots(2, 1)
    _draw_layers(upper, stages, stage="forward", ending="output", title="outputs, in order of execution")
    _draw_layers(lower, stages, stage="gradients", ending="gradient", title="gradients of the outputs")
    upper.legend(loc="best", fontsize="small")
    figure.suptitle(f"Relative L2 by depth; verdict: {report['verdict']}")
    ending = path.suffix.removeprefix(".").lower()
    if ending not in figure.canvas.get_supported_filetypes():
        raise UsageError(
            f"{path}: cannot draw {ending or 'a file without ending'}; end it in .png, .svg or .pdf"
        )
    with replacing(path) as temporary:
        figure.savefig(temporary, format=ending)


def _draw_layers(axes: Any, stages: Mapping[str, Any], *, stage: str, ending: str, title: str) -> None:
    exact = {tensor["name"]: tensor["relative_l2"] for tensor in stages.get(stage, {}).get("tensors", ())}
    distances = {entry["name"]: entry for entry in stages.get("float32", {}).get("distances", ())}
    suffix = "" if ending == "output" else " (output)"
    names = [name.removesuffix(suffix) for name in exact if name.endswith(suffix) and name != "logits"]
    names = [name for name in names if TensorName.of_layer(name, ending) in distances] or names
    for kind, colour, marker, label in SERIES:
        values = [
            exact[name + suffix]
            if kind == "float64"
            else distances.get(TensorName.of_layer(name, ending), {}).get(kind)
            for name in names
        ]
        drawn = [(place, value) for place, value in enumerate(values) if _is_drawable(value)]
        if drawn:
            places, heights = zip(*drawn, strict=True)
            axes.plot(places, _raised(heights), color=colour, marker=marker, label=label)
    axes.set_yscale("log")
    axes.set_xticks(range(len(names)), names, rotation=60, ha="right", fontsize="small")
    axes.set_title(title)
    axes.grid(visible=True, axis="y", alpha=0.3)


def _is_drawable(value: float | None) -> bool:
    return value is not None and value < float("inf")


def _raised(values: Sequence[float]) -> list[float]:
    return [max(value, FLOOR) for value in values]
