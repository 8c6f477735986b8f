"""Lines of the user's own files that define the layer to blame, on both sides."""

import ast
from collections.abc import Iterable, Mapping
from pathlib import Path
from typing import Any

from backends import NAMES
from backends.porting.places import lines_of_layer
from benchmarks.request.model_pair import ModelPair
from benchmarks.request.sources import file_of
from common.shipped import BUILDERS


def places_of(layer: str | None, stages: Iterable[Mapping[str, Any]], subject: ModelPair) -> list[str]:
    """FILE:LINE: TEXT of a layer by torch's name, torch's side first.

    Empty for networks of a library, and where no line can be told. Of "between A and B" it is A's.
    """
    if not layer:
        return []
    name = layer.partition(" and ")[0].removeprefix("between ")
    names = {"torch": name, "paddle": _of_paddle(name, stages)}
    found = [_place(names[side], subject.sources[side], subject.folder) for side in NAMES if subject.sources]
    return list(dict.fromkeys(place for place in found if place))


def _of_paddle(name: str, stages: Iterable[Mapping[str, Any]]) -> str:
    """Paddle's name of torch's layer, as the pairing of its parameters has it; else the same one."""
    lines = next((stage.get("map") for stage in stages if stage.get("map")), None) or {}
    for ours, theirs in lines.items():
        if ours.rpartition(".")[0] == name and isinstance(theirs, str):
            return theirs.rpartition(".")[0]
    return name


def _place(layer: str, source: str, folder: str) -> str | None:
    module, _, name = source.partition(":")
    file = None if module == BUILDERS else file_of(module, Path(folder))
    if file is None:
        return None
    text = file.read_text(encoding="utf-8")
    nodes = _reached_from(ast.parse(text), name.partition(".")[0])
    lines = [
        line
        for line in lines_of_layer(text, layer)
        if any(node.lineno <= line <= (node.end_lineno or 0) for node in nodes)
    ]
    if len(lines) != 1:  # of several classes each has such a layer: a wrong line would mislead
        return None
    return f"{file}:{lines[0]}: {text.splitlines()[lines[0] - 1].strip()}"


def _reached_from(tree: ast.Module, name: str) -> list[ast.stmt]:
    """The statements of a module that define a name, the names in these, and so on."""
    definitions: dict[str, ast.stmt] = {}
    for node in tree.body:
        if isinstance(node, (ast.FunctionDef, ast.ClassDef)):
            definitions[node.name] = node
        elif isinstance(node, ast.Assign):
            definitions |= {target.id: node for target in node.targets if isinstance(target, ast.Name)}
    reached: dict[str, ast.stmt] = {}
    waiting = [name]
    while waiting:
        name = waiting.pop()
        if name in definitions and name not in reached:
            reached[name] = definitions[name]
            waiting += [each.id for each in ast.walk(reached[name]) if isinstance(each, ast.Name)]
    return list(reached.values())
