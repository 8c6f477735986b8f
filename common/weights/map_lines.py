"""The grammar of ``--map`` files: a JSON object from names here to names there.

    "conv1.weight": "features.0.weight"          a tensor, or a layer with all that it holds
    "qkv": ["q", "k", "v"]                       ours is theirs, stacked along the first axis
    "q,k,v": "qkv"                               theirs is ours, stacked
    "fc.weight": {"name": "conv.weight", "reshape": [10, 512]}
    "fc.weight": {"name": "w", "transpose": true}
    "w": {"name": ["a", "b"], "axis": 1}         stacked along another axis
    "AuxLogits": null                            ours alone has it: leave it out
    "null": ["aux", "head.scale"]                theirs alone has these: leave them out

Shapes are those of the neutral layout, which is torch's. A line whose value is "" is not filled in yet, and
one whose name begins with "#" is a remark: both are skipped.
"""

import json
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from common.cli import UsageError
from common.json_text import read_json
from common.weights.link import Link, Shape

SPARE = "null"  # the name of nothing, as JSON spells it
OPTIONS = {"name", "reshape", "transpose", "axis"}
Names = Mapping[str, Any]


@dataclass(frozen=True, kw_only=True)
class Line:
    """One line of a map: what here is what there. No names on a side: the other's are left out."""

    text: str  # as the file has it, for messages
    ours: tuple[str, ...]
    theirs: tuple[str, ...]
    axis: int = 0
    transpose: bool = False
    reshape: tuple[int, ...] | None = None


@dataclass(frozen=True, kw_only=True)
class Tensors:
    """One side's tensors: shapes by name, and for some another name that says their role better."""

    title: str  # such as "torch's model"
    shapes: Mapping[str, Shape]
    aliases: Mapping[str, str]

    def held(self, name: str) -> dict[str, str]:
        """The tensor of that name, or all that the layer of that name holds, by what is behind the name.

        Raises ValueError.
        """
        if name in self.shapes:
            return {"": name}
        start = f"{name}."
        found = {
            self.aliases.get(own, own).removeprefix(start): own
            for own in self.shapes
            if own.startswith(start)
        }
        if not found:
            raise ValueError(f"--map names {name}, which {self.title} has not")
        return found


def read_map(path: Path | None) -> dict[str, Any] | None:
    """A map from a JSON file; None without one. Raises UsageError."""
    if path is None:
        return None
    try:
        names = read_json(path)
    except UsageError:
        raise
    except ValueError as error:
        raise UsageError(f"{path}: not readable as JSON ({error})") from None
    if not isinstance(names, dict):
        raise UsageError(f'{path}: expected {{"name in the model": "name on the other side", ...}}')
    try:
        list(lines_of(names))
    except ValueError as error:
        raise UsageError(f"{path}: {error}") from None
    return names


def lines_of(names: Names) -> Iterator[Line]:
    """The lines of a map. Raises ValueError for what the grammar has not."""
    for key, value in names.items():
        if key.startswith("#") or value == "":
            continue
        text = f"{json.dumps(key)}: {json.dumps(value)}"
        ours = () if key == SPARE else tuple(name.strip() for name in key.split(","))
        options = value if isinstance(value, dict) else {"name": value}
        theirs = _theirs(options.get("name"), text)
        if not all(ours) or set(options) - OPTIONS or not (ours or theirs):
            raise ValueError(f"{text}: expected a name, a list of names, null or an object with {_options()}")
        yield Line(
            text=text,
            ours=ours,
            theirs=theirs,
            axis=_number(options.get("axis", 0), text),
            transpose=bool(options.get("transpose", False)),
            reshape=_reshape(options.get("reshape"), text),
        )


def links_of(line: Line, ours: Tensors, theirs: Tensors) -> list[Link]:
    """What a line that has names on both sides links. Raises ValueError naming what is not there.

    Shapes are not looked at, except where the line itself gives some.
    """
    held = [[side.held(name) for name in names] for side, names in ((ours, line.ours), (theirs, line.theirs))]
    first = held[0][0]
    for side, names, found in ((ours, line.ours, held[0]), (theirs, line.theirs, held[1])):
        for name, own in zip(names, found, strict=True):
            if set(own) != set(first):
                raise ValueError(
                    f"{line.text}: {ours.title} has {_kept(line.ours[0], first)} and {side.title} has "
                    f"{_kept(name, own)}"
                )
    links = []
    for part in first:
        mine, yours = ([own[part] for own in side] for side in held)
        link = Link(
            ours={name: ours.shapes[name] for name in mine},
            theirs={name: theirs.shapes[name] for name in yours},
            axis=line.axis,
            transpose=line.transpose,
        )
        _require_reshape(line, link)
        links.append(link)
    return links


def map_line(link: Link) -> tuple[str, Any]:
    """A link as a line of a map."""
    names = list(link.theirs)
    name = names[0] if len(names) == 1 else names
    if link.is_plain:
        return next(iter(link.ours)), name
    more: dict[str, Any] = {"transpose": True} if link.transpose else {}
    more |= {"axis": link.axis} if link.axis else {}
    more |= {"reshape": list(next(iter(link.ours.values())))} if link.reshapes else {}
    return ",".join(link.ours), {"name": name, **more} if more else name


def _require_reshape(line: Line, link: Link) -> None:
    """A reshape that the line gives must be the shape that ours have."""
    if line.reshape is None:
        return
    shape = next(iter(link.ours.values()))
    if len(link.ours) > 1 or tuple(shape) != line.reshape:
        names = " + ".join(f"{name} {tuple(own)}" for name, own in link.ours.items())
        raise ValueError(f"{line.text}: to be reshaped to {line.reshape}, and it is {names} here")


def _theirs(value: Any, text: str) -> tuple[str, ...]:
    names = [value] if isinstance(value, str) else value
    if names is None:
        return ()
    if not isinstance(names, list) or not names or not all(isinstance(name, str) and name for name in names):
        raise ValueError(f"{text}: expected a name, a list of names, null or an object with {_options()}")
    return tuple(names)


def _number(value: Any, text: str) -> int:
    if isinstance(value, int) and not isinstance(value, bool) and value >= 0:
        return value
    raise ValueError(f"{text}: axis is a number from 0")


def _reshape(value: Any, text: str) -> tuple[int, ...] | None:
    if value is None:
        return None
    if isinstance(value, list) and all(isinstance(size, int) and size > 0 for size in value):
        return tuple(value)
    raise ValueError(f"{text}: reshape is a list of sizes, such as [10, 512]")


def _options() -> str:
    return "name and, if wanted, reshape, transpose, axis"


def _kept(name: str, held: Mapping[str, str]) -> str:
    return " and ".join(f"{name}.{part}" if part else name for part in held)
