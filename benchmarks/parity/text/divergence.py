"""The first divergence of a parity in words: where, by how much, how it was found, what it may be."""

import os
from collections.abc import Mapping
from math import isfinite
from pathlib import Path
from typing import Any

from benchmarks.parity.judge.sentences import cause, translated
from benchmarks.parity.text.stages import number
from common.language import ENGLISH, Language


def divergence_lines(first: Mapping[str, Any] | None, say: Language = ENGLISH) -> list[str]:
    """The first divergence: where, by how much, how that was found, what it may be."""
    if first is None:
        return []
    size = first["relative_l2"]
    place = [say("First divergence: stage {stage}, {name}", stage=first["stage"], name=first["name"])]
    if size is not None and isfinite(size):
        place.append(say("relative L2 {gap}", gap=number(size)))
    layer = translated(first["layer"], say) if first["layer"] else say("none can be named")
    if first.get("layer_type"):
        layer = say("{layer} ({type})", layer=layer, type=first["layer_type"])
    lines = ["", say.joined(place), say("  layer: {layer}", layer=layer)]
    lines += [
        say("    {side}'s {layer}: ", side=side, layer=line["layer"])
        + f"{nearby(line['place'])}: {line['code']}"
        for side, found in first.get("lines", {}).items()
        for line in found
    ]
    lines += [f"  {translated(text, say)}" for text in (first.get("path"), first.get("note")) if text]
    if first.get("likely_causes"):
        lines += [say("  look first at:"), *(f"    - {cause(text, say)}" for text in first["likely_causes"])]
    tolerance = first.get("tolerance_that_would_pass")
    if tolerance is not None and isfinite(tolerance):
        message = "  a tolerance of {tolerance} would let this stage pass"
        lines.append(say(message, tolerance=number(tolerance)))
    return lines


def failure(report: Mapping[str, Any], say: Language = ENGLISH) -> str:
    """One line on where the two sides part."""
    if report["verdict"] == "cannot-compare":
        message = "{reason}; give a --map, for which a proposal is printed"
        return say(message, reason=report["pairing"]["reason"])
    first = report["first_divergence"]
    if report["verdict"] == "incomplete":
        message = "the comparison is incomplete: {name} in stage '{stage}': {reason}"
        return say(message, name=first["name"], stage=first["stage"], reason=translated(first["path"], say))
    if "pairing" in report:
        message = "parity is broken, first in stage '{stage}': {reason}"
        return say(message, stage=first["stage"], reason=report["pairing"]["reason"])
    message = "parity is broken, first in stage '{stage}' at {name}"
    facts = [say(message, stage=first["stage"], name=first["name"])]
    facts += [say("layer {layer}", layer=translated(first["layer"], say))] if first["layer"] else []
    if first["relative_l2"] is not None:
        facts.append(say("relative L2 {gap}", gap=f"{first['relative_l2']:.1e}"))
    return say.joined(facts)


def nearby(place: str) -> str:
    """A place in a file, from the working directory where the file lies below it."""
    return place.removeprefix(f"{Path.cwd()}{os.sep}")
