"""Where a line of a twin comes from in the source that was translated.

The translation keeps classes, functions and their statements in order: a place is a function's name and the
path of statements in it.
"""

import ast
from collections.abc import Iterator

Path = tuple[str | int, ...]


def line_in_source(source: str, twin: str, line: int) -> int | None:
    """The line of the source that a twin's line was translated from; None if the two lost each other."""
    places = dict(_statements(ast.parse(twin)))
    inside = [path for path, (first, last) in places.items() if first <= line <= last]
    if not inside:
        return None
    origin = dict(_statements(ast.parse(source)))
    path = max(inside, key=len)
    while path:
        if path in origin:
            return origin[path][0]
        path = path[:-1]
    return None


def line_of_layer(source: str, layer: str) -> int | None:
    """The first line that defines a layer of a dotted name, as ``lines_of_layer``; None if none is found."""
    return next(lines_of_layer(source, layer), None)


def lines_of_layer(source: str, layer: str) -> Iterator[int]:
    """Every line that defines a layer of a dotted name, such as "blocks.0.attn.qkv".

    Numbers are places in a container: "mlp.2" is the third layer given to ``self.mlp``. Several classes of a
    file may have a layer of one name.
    """
    words = layer.split(".")
    numbers: list[int] = []
    while words and words[-1].isdigit():
        numbers.insert(0, int(words.pop()))
    for node in ast.walk(ast.parse(source)) if words else ():
        if isinstance(node, ast.Assign) and any(_is_attribute(target, words[-1]) for target in node.targets):
            yield _element(node.value, numbers).lineno


def _is_attribute(target: ast.expr, name: str) -> bool:
    if isinstance(target, (ast.Tuple, ast.List)):
        return any(_is_attribute(each, name) for each in target.elts)
    return isinstance(target, ast.Attribute) and target.attr == name


def _element(value: ast.expr, numbers: list[int]) -> ast.expr:
    """The expression of a container's element, as far as it is written out."""
    for number in numbers:
        arguments = value.args if isinstance(value, ast.Call) else []
        if len(arguments) == 1 and isinstance(arguments[0], (ast.List, ast.Tuple)):
            arguments = arguments[0].elts
        if number >= len(arguments) or any(isinstance(each, ast.Starred) for each in arguments):
            return value
        value = arguments[number]
    return value


def _statements(tree: ast.AST, prefix: Path = ()) -> Iterator[tuple[Path, tuple[int, int]]]:
    """Every statement with its first and last line, by its path. Imports are not counted: they change."""
    place = 0
    for field in ("body", "orelse", "finalbody", "handlers"):
        for node in getattr(tree, field, None) or []:
            if isinstance(node, (ast.Import, ast.ImportFrom)):
                continue
            if isinstance(node, (ast.FunctionDef, ast.AsyncFunctionDef, ast.ClassDef)):
                path: Path = (*prefix, node.name)
            else:
                path = (*prefix, place)
                place += 1
            yield path, (node.lineno, node.end_lineno or node.lineno)
            yield from _statements(node, path)
