"""Layers, one by one: where a backend's time goes, and which of them make the difference between both."""

from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from typing import Any

from tabulate import tabulate

from backends import NAMES
from benchmarks.results.formatting import number
from benchmarks.results.row_parts import LayerTimes
from benchmarks.results.schema import Result
from common.language import ENGLISH, Language

TIMES = ("torch_forward", "paddle_forward", "torch_backward", "paddle_backward")
GAP_COLUMNS = ("layer", "type", "one image", *(f"{name.replace('_', ' ')} ms" for name in TIMES), "gap ms")
OWN_COLUMNS = ("layer", "type", "one image", "forward ms", "backward ms", "kernel")
SUMS = ("on one side only", "in no layer", "the step")  # below the layers


def compared_layers(results: Sequence[Result]) -> dict[str, Result]:
    """Each backend's row of the first combination whose layers were timed on both, in training if in any.

    Returns an empty mapping if there is none.
    """
    cases: dict[tuple[Any, ...], dict[str, Result]] = {}
    for row in sorted(results, key=lambda row: row.phase != "train"):
        if row.layers:
            case = (row.phase, row.precision, row.layout, row.batch_size)
            cases.setdefault(case, {}).setdefault(row.backend, row)
    return next((sides for sides in cases.values() if set(sides) == set(NAMES)), {})


def layer_gaps(results: Sequence[Result]) -> list[dict[str, Any]]:
    """Both backends' layers side by side, by torch's name.

    They are sorted by the gap, paddle less torch in the passes that the phase has, the largest first.
    """
    sides = compared_layers(results)
    if not sides:
        return []
    ours, theirs = _by_call(sides["torch"]), _by_call(sides["paddle"])
    backward = sides["torch"].phase == "train"
    pairs = [
        {**_side_by_side(layer, theirs[call], backward=backward), "name": call}
        for call, layer in ours.items()
        if call in theirs
    ]
    return sorted(pairs, key=lambda pair: -abs(pair["gap"]))


def layer_lines(results: Sequence[Result], say: Language = ENGLISH) -> list[str]:
    """For a terminal: one table of the gaps where both backends were timed, else one of each combination."""
    sides = compared_layers(results)
    if sides:
        return [
            "",
            say(
                "Layers in eager mode, {case}, each alone, by their part of the gap:",
                case=_case(sides["torch"], say),
            ),
            _gap_table(results, say),
            *layer_remarks(results, say),
            "",
        ]
    lines, shown = [], set()
    for row in results:
        case = _case(row, say)
        if (row.layers or row.layers_left_out) and case not in shown:
            shown.add(case)
            message = "Layers in eager mode, {backend}, {case}, each alone, slowest first:"
            lines += [
                "",
                say(message, backend=row.backend, case=case),
                _own_table(row.layers, say),
                *_left_out(row, say),
            ]
    return [*lines, ""] if lines else []


def layer_remarks(results: Sequence[Result], say: Language = ENGLISH) -> list[str]:
    """Lines on what the table of both backends' layers cannot show."""
    sides = compared_layers(results)
    return [
        *(_on_one_side(sides, say) if sides else []),
        *(_not_in_layers(row, say) for row in sides.values() if row.forward_seconds),
        *(line for row in sides.values() for line in _left_out(row, say)),
    ]


def layer_sums(results: Sequence[Result]) -> list[dict[str, Any]]:
    """Rows like those of ``layer_gaps`` with which the layers add up to the step, where its parts are known.

    They are what layers of one side alone take, what is in no layer, and the step's passes.
    """
    sides = compared_layers(results)
    if not sides or any(row.forward_seconds is None for row in sides.values()):
        return []
    shared = {pair["name"] for pair in layer_gaps(results)}
    ways = ("forward", "backward") if sides["torch"].phase == "train" else ("forward",)
    sums: dict[str, dict[str, float]] = {name: {} for name in SUMS}
    alone_in, in_none, whole = sums.values()
    for side, row in sides.items():
        for way in ways:
            alone = [layer for call, layer in _by_call(row).items() if call not in shared]
            step = getattr(row, f"{way}_seconds") or 0.0
            alone_in[f"{side}_{way}"] = _of_way(alone, way)
            in_none[f"{side}_{way}"] = step - _of_way(row.layers, way)
            whole[f"{side}_{way}"] = step
    return [
        {"name": name, "type": "-", "kernels": "-", "shape": "-", "gap": _gap(times), **times}
        for name, times in sums.items()
        if any(times.values())
    ]


def _of_way(layers: Iterable[LayerTimes], way: str) -> float:
    return float(sum(getattr(layer, f"{way}_seconds") for layer in layers))


def _gap(times: Mapping[str, float]) -> float:
    return sum(value if key.startswith("paddle") else -value for key, value in times.items())


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


def _on_one_side(sides: Mapping[str, Result], say: Language) -> list[str]:
    """Layers that were timed and have no counterpart, which the table cannot show."""
    ours, theirs = _by_call(sides["torch"]), _by_call(sides["paddle"])
    alone = [("torch", layer) for call, layer in ours.items() if call not in theirs]
    alone += [("paddle", layer) for call, layer in theirs.items() if call not in ours]
    return [
        say(
            "on one side only: {side}'s {layer} ({type}), {time} ms",
            side=side,
            layer=layer.name,
            type=layer.type,
            time=_milliseconds(_seconds(layer)),
        )
        for side, layer in alone
    ]


def _not_in_layers(row: Result, say: Language) -> str:
    """How much of a step its layers are, each run alone, in the passes that the phase has."""
    backward = row.phase == "train"
    layers = sum(layer.forward_seconds + backward * layer.backward_seconds for layer in row.layers)
    step = (row.forward_seconds or 0.0) + backward * (row.backward_seconds or 0.0)
    if step > layers:
        rest = say("{time} ms are in no layer", time=_milliseconds(step - layers))
    else:
        rest = say("alone they take longer")
    if backward:
        message = "{backend}: layers alone {alone} ms, a step's forward and backward pass {step} ms: {rest}"
    else:
        message = "{backend}: layers alone {alone} ms, a step's forward pass {step} ms: {rest}"
    times = {"alone": _milliseconds(layers), "step": _milliseconds(step)}
    return say(message, backend=row.backend, rest=rest, **times)


def _left_out(row: Result, say: Language) -> list[str]:
    """Layers that could not be timed alone, each with its reason."""
    return [
        say(
            "left out: {side}'s {layer} ({type}): {reason}",
            side=row.backend,
            layer=lone.name,
            type=lone.type,
            reason=lone.reason,
        )
        for lone in row.layers_left_out
    ]


def _side_by_side(ours: LayerTimes, theirs: LayerTimes, *, backward: bool) -> dict[str, Any]:
    kernels = (("torch", ours.kernel), ("paddle", theirs.kernel))
    return {
        "name": ours.name,
        "type": ours.type,
        "torch_forward": ours.forward_seconds,
        "paddle_forward": theirs.forward_seconds,
        "torch_backward": ours.backward_seconds,
        "paddle_backward": theirs.backward_seconds,
        "gap": theirs.forward_seconds
        - ours.forward_seconds
        + backward * (theirs.backward_seconds - ours.backward_seconds),
        "shape": shape_words(ours),
        "kernels": "; ".join(f"{name}: {kernel}" for name, kernel in kernels if kernel) or "-",
    }


def shape_words(layer: LayerTimes) -> str:
    """What goes in and out for one image, "3x32x32 → 6x28x28"; "-" where it is not known."""
    known = [shape[1:] for shape in (layer.input_shape, layer.output_shape) if shape]
    return " → ".join("x".join(map(str, shape)) or "1" for shape in known) or "-"


def _seconds(layer: LayerTimes) -> float:
    return layer.forward_seconds + layer.backward_seconds


def _case(row: Result, say: Language) -> str:
    facts = {"phase": row.phase, "precision": row.precision, "size": row.batch_size}
    return say("{phase}, {precision}, batch of {size}", **facts)


def _gap_table(results: Sequence[Result], say: Language) -> str:
    rows = [
        *([pair["name"], pair["type"], pair["shape"], *times_of(pair)] for pair in layer_gaps(results)),
        *([say(pair["name"]), pair["type"], pair["shape"], *times_of(pair)] for pair in layer_sums(results)),
    ]
    return _table(rows, GAP_COLUMNS, say)


def times_of(pair: Mapping[str, Any]) -> list[str]:
    """The milliseconds of a row, forward and backward of each side, and its gap; "-" where it has none."""
    return [_milliseconds(pair[key]) if key in pair else "-" for key in (*TIMES, "gap")]


def _own_table(layers: Sequence[LayerTimes], say: Language) -> str:
    rows = [
        [
            layer.name,
            layer.type,
            shape_words(layer),
            _milliseconds(layer.forward_seconds),
            _milliseconds(layer.backward_seconds),
            layer.kernel or "-",
        ]
        for layer in sorted(layers, key=lambda layer: -_seconds(layer))
    ]
    return _table(rows, OWN_COLUMNS, say)


def _table(rows: Sequence[Sequence[str]], columns: Sequence[str], say: Language) -> str:
    kept = [place for place, _ in enumerate(columns) if any(row[place] != "-" for row in rows)]
    rows, columns = [[row[place] for place in kept] for row in rows], [columns[place] for place in kept]
    words = ("layer", "type", "one image", "kernel")
    alignment = ["left" if name in words else "right" for name in columns]
    headers = [say(name) for name in columns]
    return tabulate(rows, headers=headers, tablefmt="simple", colalign=alignment, disable_numparse=True)


def _milliseconds(seconds: float) -> str:
    return number(seconds * 1000)
