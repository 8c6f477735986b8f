"""Lines of the user's own files that an annotation stands beside."""

import ast
import re
from dataclasses import dataclass
from pathlib import Path

from benchmarks.request.sources import file_of
from common.shipped import BUILDERS

NAMED = re.compile(r"(?P<file>\S.*?\.py):(?P<line>[1-9]\d*)")  # as reports name a place: FILE:LINE: TEXT


@dataclass(frozen=True, kw_only=True)
class Place:
    """A line of a file, counted from 1."""

    file: Path
    line: int


def place_named(text: str | None) -> Place | None:
    """The place that a report's text begins with; None if it begins otherwise."""
    found = NAMED.match(text or "")
    return Place(file=Path(found["file"]), line=int(found["line"])) if found else None


def place_of(source: str | None, folder: str) -> Place | None:
    """The line that defines the callable of MODULE:CALLABLE; None unless it lies in the user's folder."""
    module, _, path = (source or "").partition(":")
    file = None if module in ("", BUILDERS) else file_of(module, Path(folder))
    if file is None:
        return None
    lines = _defined(ast.parse(file.read_bytes()), path.partition(".")[0])
    return Place(file=file, line=lines[0] if lines else 1)


def _defined(tree: ast.Module, name: str) -> list[int]:
    """Lines of the module's level that define a function or a class, or assign a name."""
    lines = []
    for node in tree.body:
        if isinstance(node, (ast.FunctionDef, ast.AsyncFunctionDef, ast.ClassDef)) and node.name == name:
            lines.append(node.lineno)
        elif isinstance(node, ast.Assign):
            names = [target.id for target in node.targets if isinstance(target, ast.Name)]
            lines += [node.lineno] if name in names else []
    return lines
