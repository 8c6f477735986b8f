"""A report of parity for people: a table, the first divergence explained, and what float32 is like."""

import json
import math
import os
from collections.abc import Mapping, Sequence
from math import isfinite
from pathlib import Path
from typing import Any

from tabulate import tabulate

from benchmarks.atlas.hints import difference_lines
from benchmarks.parity.plan import DROPOUT_INSIDE, RANDOM_NUMBERS
from benchmarks.request.model_pair import ModelPair
from common.model_cards import MODELS
from common.weights.map_lines import SPARE

COLUMNS = ("stage", "tensors", "worst", "in", "tolerance", "verdict")
GIB = 2**30
SHOWN = 12  # lines of a map that a report shows


def report_text(report: Mapping[str, Any], subject: ModelPair) -> str:
    """All that the command prints."""
    lines = [_heading(report, subject), "", *stage_lines(report), *pairing_lines(report["stages"])]
    if report["verdict"] == "cannot-compare":
        return "\n".join([*lines, "", *trees(report["pairing"])])
    lines += divergence_lines(report["first_divergence"])
    for stage in report["stages"]:
        if "distances" in stage:
            lines += ["", *precision_lines(stage)]
    if subject.foreign:
        lines += difference_lines(report.get("operations", ()))
    return "\n".join([*lines, "", *_evidence(report)])


def parity_lines(parity: Mapping[str, Any] | None) -> list[str]:
    """Text of the gate in benchmarks.compare."""
    if parity is None:
        return ["Parity: not checked"]
    return [f"Parity in float64: {parity['verdict']}", *(f"  {line}" for line in stage_lines(parity))]


def failure(report: Mapping[str, Any]) -> str:
    """One line on where the two sides part."""
    if report["verdict"] == "cannot-compare":
        return f"{report['pairing']['reason']}; give a --map, for which a proposal is printed"
    first = report["first_divergence"]
    if report["verdict"] == "incomplete":
        return f"the comparison is incomplete: {first['name']} in stage {first['stage']!r}: {first['path']}"
    if "pairing" in report:
        return f"parity is broken, first in stage {first['stage']!r}: {report['pairing']['reason']}"
    gap = "" if first["relative_l2"] is None else f", relative L2 {first['relative_l2']:.1e}"
    layer = f", layer {first['layer']}" if first["layer"] else ""
    return f"parity is broken, first in stage {first['stage']!r} at {first['name']}{layer}{gap}"


def stage_lines(report: Mapping[str, Any]) -> list[str]:
    """The table of stages, and below it the reasons why larger gaps pass."""
    rows, reasons = [], []
    for stage in report["stages"]:
        rows.append(stage_row(stage))
        reasons += [*_roundings(stage), *_allowances(stage), *_switched_off(stage)]
    reasons += [_difference(entry) for entry in report.get("known_differences", ())]
    reasons += _wide(report)
    reasons += _other_starts(report["stages"][0] if report["stages"] else {})
    table = tabulate(
        rows, headers=COLUMNS, tablefmt="simple", disable_numparse=True, colalign=("left", "right", "right")
    )
    return [*table.splitlines(), *reasons]


def divergence_lines(first: Mapping[str, Any] | None) -> list[str]:
    """The first divergence: where, by how much, how that was found, what it may be."""
    if first is None:
        return []
    size = first["relative_l2"]
    gap = f", relative L2 {_number(size)}" if size is not None and isfinite(size) else ""
    where = f" ({first['layer_type']})" if first.get("layer_type") else ""
    lines = ["", f"First divergence: stage {first['stage']}, {first['name']}{gap}"]
    lines.append(f"  layer: {first['layer'] or 'none can be named'}{where}")
    lines += [
        f"    {side}'s {line['layer']}: {nearby(line['place'])}: {line['code']}"
        for side, found in first.get("lines", {}).items()
        for line in found
    ]
    lines += [f"  {text}" for text in (first.get("path"), first.get("note")) if text]
    if first.get("likely_causes"):
        lines += ["  look first at:", *(f"    - {cause}" for cause in first["likely_causes"])]
    tolerance = first.get("tolerance_that_would_pass")
    if tolerance is not None and isfinite(tolerance):
        lines.append(f"  a tolerance of {_number(tolerance)} would let this stage pass")
    return lines


def nearby(place: str) -> str:
    """A place in a file, from the working directory where the file lies below it."""
    return place.removeprefix(f"{Path.cwd()}{os.sep}")


def precision_lines(stage: Mapping[str, Any]) -> list[str]:
    """Distances from the truth, units in the last place, flipped decisions."""
    lines = [f"{stage['stage']}, distance of each framework from the float64 result:"]
    for name, reason in stage["unsupported"].items():
        lines.append(f"  {name}: unsupported: {reason}")
    for entry in stage["distances"]:
        if entry["name"] == "forward/logits":
            lines += [
                f"  logits: {name} {entry[name]:.1e} ({entry[f'{name}_ulps']:.1f} units in the last place)"
                for name in stage["flips"]
            ]
    if stage["ratio"] is not None:
        lines.append(f"  paddle's distance over torch's, median of all tensors: {stage['ratio']:.2f}")
    for name, entries in stage["flips"].items():
        total = sum(entry["decisions"] for entry in entries)
        flipped = [entry for entry in entries if entry["flipped"]]
        count = sum(entry["flipped"] for entry in flipped)
        if total:
            lines.append(f"  {name}: {count} of {total:,} ReLU and max-pool decisions flipped")
        lines += [
            f"    {entry['call']}: {entry['flipped']} of {entry['decisions']:,}, "
            f"margins from {entry['margins'][0]:.0e} to {entry['largest_margin']:.0e} standard deviations of "
            "its input"
            for entry in flipped
        ]
    explained = [tensor for tensor in stage["tensors"] if "explained by flips" in (tensor["note"] or "")]
    if explained:
        worst = max(explained, key=lambda tensor: float(tensor["relative_l2"]))
        lines.append(
            f"  {len(explained)} tensors exceed the tolerance only because decisions flipped, the worst "
            f"{worst['name']} by {worst['relative_l2']:.1e}; with the same decisions forced in float64 "
            f"{worst['reproduced_relative_l2']:.1e} remains"
        )
    return lines


def _heading(report: Mapping[str, Any], subject: ModelPair) -> str:
    shape = "x".join(map(str, subject.input_shape))
    what = (
        f"{subject.sources['torch']} against {subject.sources['paddle']}"
        if subject.foreign
        else f"{MODELS[subject.model].title}: {subject.model}"
    )
    backends = report["environment"]["backends"]
    versions = ", ".join(f"{name} {facts[name]}" for name, facts in backends.items())
    return (
        f"{what}, images {subject.batch_size}x{shape}, {subject.num_classes} classes, seed {subject.seed}\n"
        f"{versions}\nVerdict: {report['verdict']}"
    )


def stage_row(stage: Mapping[str, Any]) -> list[str]:
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
        "exact" if tolerance is None else _number(tolerance),
        _verdict(stage, worst),
    ]


def _verdict(stage: Mapping[str, Any], worst: Mapping[str, Any] | None) -> str:
    """The stage's verdict, and in a word why a gap beyond its tolerance passes."""
    if stage.get("unsupported") and not stage["tensors"]:
        return "unsupported" if len(stage["unsupported"]) > 1 else "one side only"
    reasons = {FLIPPED: "flips", CANCELLED: "rounding only", MOVED: "noise"}
    if worst is not None and stage["verdict"] == "pass" and worst["relative_l2"] > stage["tolerance"]:
        note = worst["note"] or ""
        return f"pass ({next((word for words, word in reasons.items() if words in note), 'noise')})"
    return str(stage["verdict"])


FLIPPED, CANCELLED, MOVED = "explained by flips", "zero but for rounding", "one unit in the last place"


def _allowances(stage: Mapping[str, Any]) -> list[str]:
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
            lines.append(
                f"{stage['stage']}: {len(found)} tensors apart by up to {worst['relative_l2']:.1e} "
                f"({worst['name']}): {worst['note']}"
            )
    return lines


def _switched_off(stage: Mapping[str, Any]) -> list[str]:
    """Layers that were compared without the dropout inside them, and random numbers of no layer's."""
    return [
        f"{stage['stage']}: {tensor['name'].removesuffix(DROPOUT_INSIDE)} {tensor['note']}"
        for tensor in stage["tensors"]
        if tensor["name"].endswith((DROPOUT_INSIDE, RANDOM_NUMBERS)) and tensor["verdict"] == "pass"
    ]


def _wide(report: Mapping[str, Any]) -> list[str]:
    """A sentence where the models could not be computed in float64 without more ado."""
    if report.get("evidence", {}).get("default_dtype") != "float64":
        return []
    return [
        "tensors that the models make without naming a dtype are float64 here: with float32 among float64 "
        "one of the sides could not be computed"
    ]


def _other_starts(stage: Mapping[str, Any]) -> list[str]:
    """A sentence on parameters whose own initial values spread otherwise: weights are copied here."""
    found = stage.get("initial_values") or []
    if not found:
        return []
    widest = max(found, key=lambda entry: abs(math.log(entry["paddle"] / entry["torch"])))
    return [
        f"initial values: {len(found)} parameter(s) start with another spread, the most {widest['name']}: "
        f"{widest['paddle'] / widest['torch']:.2g} times torch's on paddle; weights are copied here, but a "
        "training of your own begins elsewhere"
    ]


def _difference(entry: Mapping[str, Any]) -> str:
    """A known difference of the frameworks in one line."""
    return (
        f"{entry['stage']}: known difference: torch {entry['torch']}, paddle {entry['paddle']}: "
        f"{len(entry['tensors'])} tensors apart by up to {entry['relative_l2']:.1e}; with the same rule "
        f"{entry['left']:.1e}"
    )


def _excess(tensor: Mapping[str, Any]) -> float:
    """A tensor's gap over its tolerance; infinite over a tolerance of 0."""
    gap, tolerance = float(tensor["relative_l2"]), float(tensor["tolerance"])
    return gap / tolerance if tolerance else gap and float("inf")


def _roundings(stage: Mapping[str, Any]) -> list[str]:
    """Each known rounding once: what it is, how many tensors it moves, and what is left without it."""
    lines = []
    known = [tensor for tensor in stage["tensors"] if tensor["verdict"] == "pass (known rounding)"]
    for constant in dict.fromkeys(tensor["constant"] for tensor in known):
        moved = [tensor for tensor in known if tensor["constant"] == constant]
        left = max(tensor["reproduced_relative_l2"] for tensor in moved)
        worst = max(tensor["relative_l2"] for tensor in moved)
        lines.append(
            f"{stage['stage']}: {len(moved)} tensors moved by up to {worst:.1e} by: {constant}; "
            f"with the same on both sides {left:.1e}"
        )
    return lines


def _evidence(report: Mapping[str, Any]) -> Sequence[str]:
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
    return [
        f"Noise floor in float64: {floor:.1e}. Peak memory: {peaks or 'not measured'}; "
        f"temporary files {evidence['peak_disk_bytes'] / GIB:.2f} GiB."
    ]


def _number(value: float | None) -> str:
    return "-" if value is None else "0" if value == 0 else f"{value:.1e}"


def trees(pairing: Mapping[str, Any]) -> list[str]:
    """Both sides' parameters, the first that do not fit marked, and the map to fill in."""
    lines = []
    for name in ("torch", "paddle"):
        lines.append(f"{name}:")
        for entry in pairing[name]:
            mark = "->" if entry["name"] == pairing["first"][name] else "  "
            shape = "x".join(map(str, entry["shape"]))
            lines.append(f" {mark} {entry['name']}  {shape}  {entry['type']}")
    return [*lines, "", "Fill in what is empty, and give it as --map FILE.json:", *skeleton(pairing)]


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


def pairing_lines(stages: Sequence[Mapping[str, Any]]) -> list[str]:
    """How parameters were paired if not by name, what was left out, and what to doubt."""
    facts = next((stage for stage in stages if "paired" in stage), None)
    if facts is None:
        return []
    lines = []
    if facts["map"] is not None:
        count = sum(len(name.split(",")) for name, value in facts["map"].items() if value and name != SPARE)
        whole = count + len(facts["left_out"]["torch"])
        lines = ["", f"Paired {facts['paired']}: {count} of {whole}. The map of it, to check and to keep:"]
        text = _as_json(facts["map"])
        lines += text if len(text) <= SHOWN else [*text[:SHOWN], f"  … {len(text) - SHOWN} more lines"]
        if len(text) > SHOWN:
            lines.append('The whole map is in --json FILE, as "map" of the stage "parameters".')
    for side, names in facts["left_out"].items():
        if names:
            lines.append(f"Left out by the map, {side}'s: {', '.join(names)}")
    return lines + [f"Doubtful: {name}: {text}" for name, text in facts["warnings"].items()]


def _as_json(names: Mapping[str, Any]) -> list[str]:
    """A map as a file has it, one line a name."""
    lines = [f"  {json.dumps(name)}: {json.dumps(value)}," for name, value in names.items()]
    return ["{", *lines[:-1], *(line.removesuffix(",") for line in lines[-1:]), "}"]
