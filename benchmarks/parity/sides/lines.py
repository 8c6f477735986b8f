"""Lines of the user's files that define a layer to blame, on both sides."""

from collections.abc import Mapping
from contextlib import suppress
from typing import Any

from backends import NAMES
from benchmarks.manager.worker_process import WorkerFailure
from benchmarks.parity.sides.pair import Pair

BETWEEN = "between "


def defining_lines(
    pair: Pair, layer: str | None, partners: Mapping[str, str]
) -> dict[str, list[dict[str, str]]]:
    """The lines that define a layer, or the two that a place lies between, by side.

    Each has "layer", "place" and "code". ``layer`` is torch's name, or paddle's of what paddle alone has;
    ``partners`` are paddle's names by torch's.
    """
    if not layer:
        return {}
    named = layer.removeprefix(BETWEEN).split(" and ")
    found = {}
    for side in NAMES:
        own = named if side == "torch" else [partners.get(name, name) for name in named]
        with suppress(WorkerFailure):  # a lost worker has nothing to tell
            lines = pair.ask(side, "lines", layers=own)
            found[side] = [{"layer": name, **lines[name]} for name in own if name in lines]
    return found


def with_lines(
    pair: Pair, divergence: dict[str, Any] | None, partners: Mapping[str, str]
) -> dict[str, Any] | None:
    """A divergence with the lines of its layer."""
    return divergence and divergence | {"lines": defining_lines(pair, divergence["layer"], partners)}
