"""A report of parity for people: a table, the first divergence explained, and what float32 is like."""

import math
import os
from collections.abc import Mapping, Sequence
from math import isfinite
from pathlib import Path
from typing import Any

from tabulate import tabulate

from benchmarks.atlas.hints import difference_lines
from benchmarks.parity.judge.sentences import cause, translated
from benchmarks.parity.pairing_text import pairing_lines, trees
from benchmarks.parity.plan import DROPOUT_INSIDE, RANDOM_NUMBERS
from benchmarks.request.model_pair import ModelPair
from common.language import ENGLISH, Language
from common.model_cards import MODELS

COLUMNS = ("stage", "tensors", "worst", "in", "tolerance", "verdict")
GIB = 2**30


def report_text(
    report: Mapping[str, Any], subject: ModelPair, *, heading: str = "", say: Language = ENGLISH
) -> str:
    """All that the command prints, with its usual ``heading`` or another."""
    lines = [
        heading or _heading(report, subject, say),
        say("Verdict: {verdict}", verdict=say(report["verdict"])),
        "",
        *stage_lines(report, say),
        *pairing_lines(report["stages"], say),
    ]
    if report["verdict"] == "cannot-compare":
        return "\n".join([*lines, "", *trees(report["pairing"], say)])
    lines += divergence_lines(report["first_divergence"], say)
    for stage in report["stages"]:
        if "distances" in stage:
            lines += ["", *precision_lines(stage, say)]
    if subject.foreign:
        lines += difference_lines(report.get("operations", ()), say)
    return "\n".join([*lines, "", *_evidence(report, say)])


def parity_lines(parity: Mapping[str, Any] | None, say: Language = ENGLISH) -> list[str]:
    """Text of the gate in benchmarks.compare."""
    if parity is None:
        return [say("Parity: not checked")]
    verdict = say("Parity in float64: {verdict}", verdict=say(parity["verdict"]))
    return [verdict, *(f"  {line}" for line in stage_lines(parity, say))]


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


def divergence_lines(first: Mapping[str, Any] | None, say: Language = ENGLISH) -> list[str]:
    """The first divergence: where, by how much, how that was found, what it may be."""
    if first is None:
        return []
    size = first["relative_l2"]
    place = [say("First divergence: stage {stage}, {name}", stage=first["stage"], name=first["name"])]
    if size is not None and isfinite(size):
        place.append(say("relative L2 {gap}", gap=_number(size)))
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
        lines.append(say(message, tolerance=_number(tolerance)))
    return lines


def nearby(place: str) -> str:
    """A place in a file, from the working directory where the file lies below it."""
    return place.removeprefix(f"{Path.cwd()}{os.sep}")


def precision_lines(stage: Mapping[str, Any], say: Language = ENGLISH) -> list[str]:
    """Distances from the truth, units in the last place, flipped decisions."""
    lines = [say("{stage}, distance of each framework from the float64 result:", stage=stage["stage"])]
    for name, reason in stage["unsupported"].items():
        lines.append(say("  {side}: unsupported: {reason}", side=name, reason=reason))
    for entry in stage["distances"]:
        if entry["name"] == "forward/logits":
            lines += [_of_logits(entry, name, say) for name in stage["flips"]]
    if stage["ratio"] is not None:
        message = "  paddle's distance over torch's, median of all tensors: {ratio}"
        lines.append(say(message, ratio=f"{stage['ratio']:.2f}"))
    for name, entries in stage["flips"].items():
        lines += _of_flips(name, entries, say)
    explained = [tensor for tensor in stage["tensors"] if FLIPPED in (tensor["note"] or "")]
    if explained:
        worst = max(explained, key=lambda tensor: float(tensor["relative_l2"]))
        message = (
            "  {count} tensors exceed the tolerance only because decisions flipped, the worst {name} by "
            "{gap}; with the same decisions forced in float64 {left} remains"
        )
        left = f"{worst['reproduced_relative_l2']:.1e}"
        facts = {"name": worst["name"], "gap": f"{worst['relative_l2']:.1e}", "left": left}
        lines.append(say(message, count=len(explained), **facts))
    return lines


def _of_logits(entry: Mapping[str, Any], side: str, say: Language) -> str:
    """How far a side's logits are from the truth."""
    return say(
        "  logits: {side} {distance} ({units} units in the last place)",
        side=side,
        distance=f"{entry[side]:.1e}",
        units=f"{entry[f'{side}_ulps']:.1f}",
    )


def _of_flips(side: str, entries: Sequence[Mapping[str, Any]], say: Language) -> list[str]:
    """How many decisions of a side flipped, and a line on each call with one that did."""
    total = sum(entry["decisions"] for entry in entries)
    flipped = [entry for entry in entries if entry["flipped"]]
    count = sum(entry["flipped"] for entry in flipped)
    message = "  {side}: {count} of {total} ReLU and max-pool decisions flipped"
    lines = [say(message, side=side, count=count, total=f"{total:,}")] if total else []
    message = (
        "    {call}: {count} of {total}, margins from {least} to {most} standard deviations of its input"
    )
    return lines + [
        say(
            message,
            call=entry["call"],
            count=entry["flipped"],
            total=f"{entry['decisions']:,}",
            least=f"{entry['margins'][0]:.0e}",
            most=f"{entry['largest_margin']:.0e}",
        )
        for entry in flipped
    ]


def _heading(report: Mapping[str, Any], subject: ModelPair, say: Language) -> str:
    if subject.foreign:
        message = "{torch} against {paddle}"
        what = say(message, torch=subject.sources["torch"], paddle=subject.sources["paddle"])
    else:
        title = say(MODELS[subject.model].title)
        what = say("{title}: {model}", title=title, model=subject.model)
    backends = report["environment"]["backends"]
    versions = ", ".join(f"{name} {facts[name]}" for name, facts in backends.items())
    size = say(
        "{pair}, images {batch}x{shape}, {classes} classes, seed {seed}",
        pair=what,
        batch=subject.batch_size,
        shape="x".join(map(str, subject.input_shape)),
        classes=subject.num_classes,
        seed=subject.seed,
    )
    return f"{size}\n{versions}"


def stage_row(stage: Mapping[str, Any], say: Language = ENGLISH) -> list[str]:
    """The tensor that comes nearest to its tolerance, or exceeds it most, and that tolerance."""
    tensors = stage["tensors"]
    judged = [tensor for tensor in tensors if tensor["verdict"] == stage["verdict"]] or tensors
    worst = max(judged, key=_excess, default=None) if stage["tolerance"] is not None else None
    tolerance = worst["tolerance"] if worst else stage["tolerance"]
    return [
        stage["stage"],
        str(len(tensors) or "-"),
        _number(worst["relative_l2"]) if worst else "-",
        worst["name"] if worst else "-",
        say("exact") if tolerance is None else _number(tolerance),
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


FLIPPED, CANCELLED, MOVED = "explained by flips", "zero but for rounding", "one unit in the last place"
VERDICTS = (  # of a run or a stage
    *("pass", "pass (known rounding)", "pass (known difference)", "fail", "error", "incomplete"),
    *("cannot-compare", "unsupported", "one side only"),
)
PASSES = {FLIPPED: "pass (flips)", CANCELLED: "pass (rounding only)", MOVED: "pass (noise)"}  # by the note


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


def _evidence(report: Mapping[str, Any], say: Language) -> Sequence[str]:
    evidence = report.get("evidence")
    if not evidence:
        return []
    floor = max(
        (
            tensor["relative_l2"]
            for stage in report["stages"]
            if stage["stage"] in ("forward", "loss", "gradients")
            for tensor in stage["tensors"]
            if tensor["verdict"] == "pass" and tensor["noise"] is None and tensor["note"] is None
        ),
        default=0.0,
    )
    peaks = ", ".join(
        f"{name} {peak / GIB:.1f} GiB" for name, peak in evidence["peak_memory_bytes"].items() if peak
    )
    message = "Noise floor in float64: {floor}. Peak memory: {peaks}; temporary files {disk} GiB."
    disk = f"{evidence['peak_disk_bytes'] / GIB:.2f}"
    return [say(message, floor=f"{floor:.1e}", peaks=peaks or say("not measured"), disk=disk)]


def _number(value: float | None) -> str:
    return "-" if value is None else "0" if value == 0 else f"{value:.1e}"
