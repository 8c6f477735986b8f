"""Outcome of one stage of a comparison, as a test has it: passed, failed or skipped, and why."""

from collections.abc import Mapping
from typing import Any

from benchmarks.parity.plan import CANNOT_COMPARE
from benchmarks.parity.text.divergence import divergence_lines, failure, nearby
from benchmarks.parity.text.pairing import pairing_lines, trees
from benchmarks.parity.text.precision import precision_lines
from benchmarks.parity.text.stages import stage_lines

LISTS_DEPARTURES = "repeat"  # and nothing else: there are none where all is bit-identical
PASSED, FAILED, SKIPPED = "passed", "failed", "skipped"


def outcome(report: Mapping[str, Any], name: str) -> dict[str, Any]:
    """What became of one stage: "passed", "failed" or "skipped", the verdict, and the text for people.

    A stage that compared nothing never passes.
    """
    stage = next((stage for stage in report["stages"] if stage["stage"] == name), None)
    if stage is None:
        return {"outcome": FAILED, "verdict": "not run", "text": f"not run: {failure(report)}"}
    gaps = [tensor["relative_l2"] for tensor in stage["tensors"] if tensor["relative_l2"] is not None]
    facts = {"verdict": stage["verdict"], "tensors": len(stage["tensors"]), "worst": max(gaps, default=None)}
    if stage["error"] is not None and stage["error"]["backend"] is None:
        return {"outcome": FAILED, "verdict": "not run", "text": stage["error"]["reason"]}
    if stage["divergence"] is not None:
        return {"outcome": FAILED, **facts, "text": stage_text(report, stage)}
    if stage.get("unsupported"):
        reasons = "; ".join(f"{side}: {reason}" for side, reason in stage["unsupported"].items())
        return {"outcome": SKIPPED, **facts, "text": f"not compared in {stage['dtype']}: {reasons}"}
    if not gaps and name != LISTS_DEPARTURES:
        return {"outcome": SKIPPED, **facts, "text": "nothing to compare"}
    return {"outcome": PASSED, **facts, "text": stage_text(report, stage)}


def stage_text(report: Mapping[str, Any], stage: Mapping[str, Any]) -> str:
    """What the report says of one stage; of one that failed, first in a line where it departs."""
    name = stage["stage"]
    known = [entry for entry in report["known_differences"] if entry["stage"] == name]
    lines = stage_lines({"stages": [stage], "known_differences": known})
    if name == "parameters":
        lines += pairing_lines([stage])
        if report["verdict"] == CANNOT_COMPARE:
            lines += trees(report["pairing"])
    lines += divergence_lines(stage["divergence"])
    if "distances" in stage:
        lines += ["", *precision_lines(stage)]
    first = stage["divergence"]
    return "\n".join([_summary(first), *lines] if first else lines)


def _summary(first: Mapping[str, Any]) -> str:
    """Where a stage departs, in a line: the layer and its line in paddle's file, or else in torch's."""
    if first["relative_l2"] is None:  # an exception, or parameters that do not fit
        found = first.get("note")
        return f"{first['name']}: {first['path']}" + (f" ({nearby(found)})" if found else "")
    places = [line["place"] for side in ("paddle", "torch") for line in first.get("lines", {}).get(side, ())]
    where = f" ({nearby(places[0])})" if places else ""
    layer = f"layer {first['layer']}{where}: " if first["layer"] else ""
    return f"{layer}{first['name']} departs by {first['relative_l2']:.1e}"
