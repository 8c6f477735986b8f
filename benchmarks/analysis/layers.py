"""Layers, one by one: where a backend's time goes, and which of them make the difference between both."""

from collections import Counter
from collections.abc import Mapping, Sequence
from typing import Any

from tabulate import tabulate

from backends import NAMES
from benchmarks.results.formatting import number
from benchmarks.results.schema import LayerTimes, Result

TIMES = ("torch_forward", "paddle_forward", "torch_backward", "paddle_backward")


def compared_layers(results: Sequence[Result]) -> dict[str, Result]:
    """Each backend's row of the first combination whose layers were timed on both.

    Returns an empty mapping if there is none.
    """
    cases: dict[tuple[Any, ...], dict[str, Result]] = {}
    for row in results:
        if row.layers:
            case = (row.phase, row.precision, row.layout, row.batch_size)
            cases.setdefault(case, {}).setdefault(row.backend, row)
    return next((sides for sides in cases.values() if set(sides) == set(NAMES)), {})


def layer_gaps(results: Sequence[Result]) -> list[dict[str, Any]]:
    """Both backends' layers side by side, by torch's name.

    They are sorted by the gap, paddle less torch, the largest first.
    """
    sides = compared_layers(results)
    if not sides:
        return []
    ours, theirs = _by_call(sides["torch"]), _by_call(sides["paddle"])
    pairs = [
        {**_side_by_side(layer, theirs[call]), "name": call} for call, layer in ours.items() if call in theirs
    ]
    return sorted(pairs, key=lambda pair: -abs(pair["gap"]))


def layer_lines(results: Sequence[Result]) -> list[str]:
    """For a terminal: one table of the gaps where both backends were timed, else one of each combination."""
    sides = compared_layers(results)
    if sides:
        return [
            "",
            f"Layers, {_case(sides['torch'])}, each alone, by what it contributes to the gap:",
            _gap_table(results),
            *_on_one_side(sides),
            *(line for row in sides.values() for line in _left_out(row)),
            "",
        ]
    lines, shown = [], set()
    for row in results:
        if (row.layers or row.layers_left_out) and _case(row) not in shown:
            shown.add(_case(row))
            lines += [
                "",
                f"Layers, {row.backend}, {_case(row)}, each alone, slowest first:",
                _own_table(row.layers),
                *_left_out(row),
            ]
    return [*lines, ""] if lines else []


def calls_of(names: Sequence[str]) -> list[str]:
    """The names with "#2" behind them the second time, as a layer that runs twice has two calls."""
    seen: Counter[str] = Counter()
    calls = []
    for name in names:
        seen[name] += 1
        calls.append(name if seen[name] == 1 else f"{name}#{seen[name]}")
    return calls


def _by_call(row: Result) -> dict[str, LayerTimes]:
    """A row's layers by torch's name of them; those without counterpart keep their own, behind a slash."""
    names = [
        layer.name if layer.counterpart is None else layer.counterpart or f"/{layer.name}"
        for layer in row.layers
    ]
    return dict(zip(calls_of(names), row.layers, strict=True))


def _on_one_side(sides: Mapping[str, Result]) -> list[str]:
    """Layers that were timed and have no counterpart, which the table cannot show."""
    ours, theirs = _by_call(sides["torch"]), _by_call(sides["paddle"])
    alone = [("torch", layer) for call, layer in ours.items() if call not in theirs]
    alone += [("paddle", layer) for call, layer in theirs.items() if call not in ours]
    return [
        f"on one side only: {side}'s {layer.name} ({layer.type}), {_milliseconds(_seconds(layer))} ms"
        for side, layer in alone
    ]


def _left_out(row: Result) -> list[str]:
    """Layers that could not be timed alone, each with its reason."""
    return [
        f"left out: {row.backend}'s {lone.name} ({lone.type}): {lone.reason}" for lone in row.layers_left_out
    ]


def _side_by_side(ours: LayerTimes, theirs: LayerTimes) -> dict[str, Any]:
    kernels = (("torch", ours.kernel), ("paddle", theirs.kernel))
    return {
        "name": ours.name,
        "type": ours.type,
        "torch_forward": ours.forward_seconds,
        "paddle_forward": theirs.forward_seconds,
        "torch_backward": ours.backward_seconds,
        "paddle_backward": theirs.backward_seconds,
        "gap": _seconds(theirs) - _seconds(ours),
        "kernels": "; ".join(f"{name}: {kernel}" for name, kernel in kernels if kernel) or "-",
    }


def _seconds(layer: LayerTimes) -> float:
    return layer.forward_seconds + layer.backward_seconds


def _case(row: Result) -> str:
    return f"{row.precision}, batch of {row.batch_size}"


def _gap_table(results: Sequence[Result]) -> str:
    rows = [
        [pair["name"], pair["type"], *(_milliseconds(pair[key]) for key in (*TIMES, "gap"))]
        for pair in layer_gaps(results)
    ]
    times = [f"{name.replace('_', ' ')} ms" for name in TIMES]
    return _table(rows, ["layer", "type", *times, "gap ms"])


def _own_table(layers: Sequence[LayerTimes]) -> str:
    rows = [
        [
            layer.name,
            layer.type,
            _milliseconds(layer.forward_seconds),
            _milliseconds(layer.backward_seconds),
            layer.kernel or "-",
        ]
        for layer in sorted(layers, key=lambda layer: -_seconds(layer))
    ]
    return _table(rows, ["layer", "type", "forward ms", "backward ms", "kernel"])


def _table(rows: Sequence[Sequence[str]], columns: Sequence[str]) -> str:
    words = ("layer", "type", "kernel")
    alignment = ["left" if name in words else "right" for name in columns]
    return tabulate(rows, headers=columns, tablefmt="simple", colalign=alignment, disable_numparse=True)


def _milliseconds(seconds: float) -> str:
    return number(seconds * 1000)
