"""Layers of two models joined, whatever each side calls them."""

from collections.abc import Mapping, Sequence

from benchmarks.analysis.layers import calls_of
from benchmarks.parity.sides.alignment import Call, align
from benchmarks.results.row_parts import LayerTimes
from benchmarks.results.schema import Result


def join_layers(rows: Sequence[Result], layers: Mapping[str, str]) -> list[Result]:
    """The rows of both backends, paddle's layers with the names of torch's that they stand for.

    ``layers`` has paddle's names by torch's of layers with parameters; the others are joined by their type
    and place between those.
    """
    sides = {row.backend: row for row in rows if row.layers}
    if not layers or len(sides) < 2:
        return list(rows)
    ours, theirs = (_calls(sides[name].layers) for name in ("torch", "paddle"))
    partner = {
        match.theirs["call"]: match.ours["name"]
        for match in align(ours, theirs, layers=layers)
        if match.ours and match.theirs
    }
    named = [
        layer.model_copy(update={"counterpart": partner.get(call["call"], "")})
        for call, layer in zip(theirs, sides["paddle"].layers, strict=True)
    ]
    joined = sides["paddle"].model_copy(update={"layers": named})
    return [joined if row is sides["paddle"] else row for row in rows]


def _calls(layers: Sequence[LayerTimes]) -> list[Call]:
    return [
        {"call": call, "name": layer.name, "base": layer.type}
        for call, layer in zip(calls_of([layer.name for layer in layers]), layers, strict=True)
    ]
