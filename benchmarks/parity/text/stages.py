"""The table of a parity's stages, and the reasons why larger gaps pass."""

import math
from collections.abc import Mapping
from typing import Any

from tabulate import tabulate

from benchmarks.parity.judge.sentences import translated
from benchmarks.parity.plan import DROPOUT_INSIDE, RANDOM_NUMBERS
from common.language import ENGLISH, Language

COLUMNS = ("stage", "tensors", "worst", "in", "tolerance", "verdict")
FLIPPED, CANCELLED, MOVED = "explained by flips", "zero but for rounding", "one unit in the last place"
VERDICTS = (  # of a run or a stage
    *("pass", "pass (known rounding)", "pass (known difference)", "fail", "error", "incomplete"),
    *("cannot-compare", "unsupported", "one side only"),
)
PASSES = {FLIPPED: "pass (flips)", CANCELLED: "pass (rounding only)", MOVED: "pass (noise)"}  # by the note


def stage_lines(report: Mapping[str, Any], say: Language = ENGLISH) -> list[str]:
    """The table of stages, and below it the reasons why larger gaps pass."""
    rows, reasons = [], []
    for stage in report["stages"]:
        rows.append(stage_row(stage, say))
        reasons += [*_roundings(stage, say), *_allowances(stage, say), *_switched_off(stage, say)]
    reasons += [_difference(entry, say) for entry in report.get("known_differences", ())]
    reasons += _wide(report, say)
    reasons += _other_starts(report["stages"][0] if report["stages"] else {}, say)
    headers, sides = [say(name) for name in COLUMNS], ("left", "right", "right")
    table = tabulate(rows, headers=headers, tablefmt="simple", disable_numparse=True, colalign=sides)
    return [*table.splitlines(), *reasons]


def stage_row(stage: Mapping[str, Any], say: Language = ENGLISH) -> list[str]:
    """The tensor that comes nearest to its tolerance, or exceeds it most, and that tolerance."""
    tensors = stage["tensors"]
    judged = [tensor for tensor in tensors if tensor["verdict"] == stage["verdict"]] or tensors
    worst = max(judged, key=_excess, default=None) if stage["tolerance"] is not None else None
    tolerance = worst["tolerance"] if worst else stage["tolerance"]
    return [
        stage["stage"],
        str(len(tensors) or "-"),
        number(worst["relative_l2"]) if worst else "-",
        worst["name"] if worst else "-",
        say("exact") if tolerance is None else number(tolerance),
        say(_verdict(stage, worst)),
    ]


def _verdict(stage: Mapping[str, Any], worst: Mapping[str, Any] | None) -> str:
    """The stage's verdict, and in a word why a gap beyond its tolerance passes."""
    if stage.get("unsupported") and not stage["tensors"]:
        return "unsupported" if len(stage["unsupported"]) > 1 else "one side only"
    if worst is not None and stage["verdict"] == "pass" and worst["relative_l2"] > stage["tolerance"]:
        note = worst["note"] or ""
        return next((verdict for words, verdict in PASSES.items() if words in note), PASSES[MOVED])
    return str(stage["verdict"])


def _excess(tensor: Mapping[str, Any]) -> float:
    """A tensor's gap over its tolerance; infinite over a tolerance of 0."""
    gap, tolerance = float(tensor["relative_l2"]), float(tensor["tolerance"])
    return gap / tolerance if tolerance else gap and float("inf")


def _roundings(stage: Mapping[str, Any], say: Language) -> list[str]:
    """Each known rounding once: what it is, how many tensors it moves, and what is left without it."""
    lines = []
    known = [tensor for tensor in stage["tensors"] if tensor["verdict"] == "pass (known rounding)"]
    for constant in dict.fromkeys(tensor["constant"] for tensor in known):
        moved = [tensor for tensor in known if tensor["constant"] == constant]
        left = max(tensor["reproduced_relative_l2"] for tensor in moved)
        worst = max(tensor["relative_l2"] for tensor in moved)
        message = (
            "{stage}: {count} tensors moved by up to {gap} by: {constants}; with the same on both sides "
            "{left}"
        )
        lines.append(
            say(
                message,
                stage=stage["stage"],
                count=len(moved),
                gap=f"{worst:.1e}",
                constants=say.joined((say(each) for each in constant.split("; ")), by="; "),
                left=f"{left:.1e}",
            )
        )
    return lines


def _allowances(stage: Mapping[str, Any], say: Language) -> list[str]:
    """The tensors that pass beyond the stage's tolerance without a known reason: how many, and why."""
    lines, limit = [], stage["tolerance"]
    beyond = [
        tensor
        for tensor in stage["tensors"]
        if tensor["verdict"] == "pass" and limit is not None and tensor["relative_l2"] > limit
    ]
    for note in (CANCELLED, MOVED):
        found = [tensor for tensor in beyond if note in (tensor["note"] or "")]
        beyond = [tensor for tensor in beyond if tensor not in found]
        if found and FLIPPED not in (found[0]["note"] or ""):
            worst = max(found, key=lambda tensor: float(tensor["relative_l2"]))
            message = "{stage}: {count} tensors apart by up to {gap} ({name}): {note}"
            facts = {"gap": f"{worst['relative_l2']:.1e}", "name": worst["name"]}
            facts["note"] = translated(worst["note"], say)
            lines.append(say(message, stage=stage["stage"], count=len(found), **facts))
    return lines


def _switched_off(stage: Mapping[str, Any], say: Language) -> list[str]:
    """Layers that were compared without the dropout inside them, and random numbers of no layer's."""
    return [
        say(
            "{stage}: {name} {note}",
            stage=stage["stage"],
            name=tensor["name"].removesuffix(DROPOUT_INSIDE),
            note=translated(tensor["note"], say),
        )
        for tensor in stage["tensors"]
        if tensor["name"].endswith((DROPOUT_INSIDE, RANDOM_NUMBERS)) and tensor["verdict"] == "pass"
    ]


def _difference(entry: Mapping[str, Any], say: Language) -> str:
    """A known difference of the frameworks in one line."""
    return say(
        "{stage}: known difference: torch {torch}, paddle {paddle}: {count} tensors apart by up to {gap}; "
        "with the same rule {left}",
        stage=entry["stage"],
        torch=say(entry["torch"]),
        paddle=say(entry["paddle"]),
        count=len(entry["tensors"]),
        gap=f"{entry['relative_l2']:.1e}",
        left=f"{entry['left']:.1e}",
    )


def _wide(report: Mapping[str, Any], say: Language) -> list[str]:
    """A sentence where the models could not be computed in float64 without more ado."""
    if report.get("evidence", {}).get("default_dtype") != "float64":
        return []
    message = (
        "tensors that the models make without naming a dtype are float64 here: with float32 among float64 "
        "one of the sides could not be computed"
    )
    return [say(message)]


def _other_starts(stage: Mapping[str, Any], say: Language) -> list[str]:
    """A sentence on parameters whose own initial values spread otherwise: weights are copied here."""
    found = stage.get("initial_values") or []
    if not found:
        return []
    widest = max(found, key=lambda entry: abs(math.log(entry["paddle"] / entry["torch"])))
    message = (
        "initial values: {count} parameter(s) start with another spread, the most {name}: {times} times "
        "torch's on paddle; weights are copied here, but a training of your own begins elsewhere"
    )
    times = f"{widest['paddle'] / widest['torch']:.2g}"
    return [say(message, count=len(found), name=widest["name"], times=times)]


def number(value: float | None) -> str:
    """A gap or a tolerance in two digits; "-" where there is none."""
    return "-" if value is None else "0" if value == 0 else f"{value:.1e}"
