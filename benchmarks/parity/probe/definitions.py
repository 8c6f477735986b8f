"""Lines of the user's files that define a model's layers: what a report names beside a layer to blame."""

import importlib
import linecache
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from types import FrameType
from typing import Any

Line = dict[str, str]
BASES = {"torch": "Module", "paddle": "Layer"}
OURS = str(Path(__file__).resolve().parents[3] / "benchmarks")


class Definitions:
    """Layers that were made, with the line that made each: "place" is "FILE:LINE", "code" its text."""

    def __init__(self) -> None:
        self._made: dict[int, tuple[Any, Line]] = {}  # by identity, which a kept layer alone has

    def add(self, layer: Any, line: Line) -> None:
        """Note the line that made a layer."""
        self._made[id(layer)] = layer, line

    def of(self, model: Any) -> dict[str, Line]:
        """The lines by a layer's dotted name. A layer that was copied from another one has none."""
        walk = model.named_sublayers if hasattr(model, "named_sublayers") else model.named_modules
        return {name: self._made[id(layer)][1] for name, layer in walk() if id(layer) in self._made}


@contextmanager
def definitions(framework: str) -> Iterator[Definitions]:
    """Inside, every layer that is made is noted with the innermost line that is not a framework's or ours."""
    package = importlib.import_module(framework)
    base: Any = getattr(package.nn, BASES[framework])
    inside = (f"{Path(str(package.__file__)).parent}", OURS, "<")
    original, found = base.__init__, Definitions()

    def noting(layer: Any, *arguments: Any, **named: Any) -> None:
        line = _line(inside)
        if line:
            found.add(layer, line)
        original(layer, *arguments, **named)

    base.__init__ = noting
    try:
        yield found
    finally:
        base.__init__ = original


def _line(inside: tuple[str, ...]) -> Line | None:
    """The innermost line of the stack whose file lies in none of these places."""
    frame: FrameType | None = sys._getframe(2)
    while frame is not None and frame.f_code.co_filename.startswith(inside):
        frame = frame.f_back
    if frame is None:
        return None
    file, number = frame.f_code.co_filename, frame.f_lineno
    return {"place": f"{file}:{number}", "code": linecache.getline(file, number).strip()}
