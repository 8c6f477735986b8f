"""How parameters were paired, for people: both sides' names, the map, and what to doubt."""

import json
from collections.abc import Mapping, Sequence
from typing import Any

from common.language import ENGLISH, Language, recognised
from common.weights.map_lines import SPARE

SHOWN = 12  # lines of a map that a report shows
METHODS = (  # of ``Pairing.method``
    *("by name", "by name, but for what is around all layers", "by definition order"),
    *("by name, the rest by definition order", "by the map", "by the map, the rest {method}"),
)


def trees(pairing: Mapping[str, Any], say: Language = ENGLISH) -> list[str]:
    """Both sides' parameters, the first that do not fit marked, and the map to fill in."""
    lines = []
    for name in ("torch", "paddle"):
        lines.append(f"{name}:")
        for entry in pairing[name]:
            mark = "->" if entry["name"] == pairing["first"][name] else "  "
            shape = "x".join(map(str, entry["shape"]))
            lines.append(f" {mark} {entry['name']}  {shape}  {entry['type']}")
    return [*lines, "", say("Fill in what is empty, and give it as --map FILE.json:"), *skeleton(pairing)]


def skeleton(pairing: Mapping[str, Any]) -> list[str]:
    """A map from every parameter of torch to paddle's: filled in where that is known, else empty."""
    theirs: Sequence[str] = [entry["name"] for entry in pairing["paddle"]]
    known: Mapping[str, Any] = pairing["map"]
    names = {entry["name"]: entry["name"] if entry["name"] in theirs else "" for entry in pairing["torch"]}
    stacked = {part for name in known for part in name.split(",")} - {*known}
    names = {name: other for name, other in names.items() if name not in stacked}
    if known:
        names = {**{name: known.get(name, "") for name in names}, **known}
    return _as_json(names)


def pairing_lines(stages: Sequence[Mapping[str, Any]], say: Language = ENGLISH) -> list[str]:
    """How parameters were paired if not by name, what was left out, and what to doubt."""
    facts = next((stage for stage in stages if "paired" in stage), None)
    if facts is None:
        return []
    lines = []
    if facts["map"] is not None:
        count = sum(len(name.split(",")) for name, value in facts["map"].items() if value and name != SPARE)
        whole = count + len(facts["left_out"]["torch"])
        message = "Paired {how}: {count} of {whole}. The map of it, to check and to keep:"
        lines = ["", say(message, how=_method(facts["paired"], say), count=count, whole=whole)]
        text = _as_json(facts["map"])
        lines += text[:SHOWN]
        if len(text) > SHOWN:
            lines.append(say("  … {count} more lines", count=len(text) - SHOWN))
            lines.append(say('The whole map is in --json FILE, as "map" of the stage "parameters".'))
    for side, names in facts["left_out"].items():
        if names:
            lines.append(say("Left out by the map, {side}'s: {names}", side=side, names=", ".join(names)))
    return lines + [
        say("Doubtful: {name}: {reason}", name=name, reason=text) for name, text in facts["warnings"].items()
    ]


def _method(text: str, say: Language) -> str:
    """How parameters were paired."""
    message, values = recognised(text, METHODS) or (text, {})
    return say(message, **{name: _method(value, say) for name, value in values.items()})


def _as_json(names: Mapping[str, Any]) -> list[str]:
    """A map as a file has it, one line a name."""
    lines = [f"  {json.dumps(name)}: {json.dumps(value)}," for name, value in names.items()]
    return ["{", *lines[:-1], *(line.removesuffix(",") for line in lines[-1:]), "}"]
