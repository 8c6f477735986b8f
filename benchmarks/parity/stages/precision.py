"""Lower precisions, described: how far each framework is from the float64 truth, and what flipped.

The truth is torch's float64 run, with which paddle's agrees. A tensor that is further away than
rounding explains is repeated in float64 with the decisions (ReLU, max-pool) that the run of lower
precision took: if it then agrees, flipped decisions are the explanation; if not, it is a failure.
"""

from collections.abc import Mapping, Sequence
from dataclasses import replace
from typing import Any

import numpy as np

from benchmarks.manager.worker_process import WorkerFailure
from benchmarks.parity.judge import sentences
from benchmarks.parity.judge.gap import FAIL, PASS, Gap
from benchmarks.parity.judge.judge import NO_EFFECT
from benchmarks.parity.judge.localization import Suspect
from benchmarks.parity.judge.verdicts import Verdicts
from benchmarks.parity.sides.pair import Pair
from benchmarks.parity.stages.flips import count_flips, explain, folder_of
from benchmarks.parity.stages.stage import Stage
from benchmarks.parity.stages.tolerances import Precision
from benchmarks.parity.tensors.distance import distance
from benchmarks.parity.tensors.tensor_folder import TensorFolder
from benchmarks.parity.tensors.tensor_name import GRADIENTS, TensorName


def precision_stage(pair: Pair, exact: Verdicts, precision: Precision) -> Stage:
    """Run both sides in that precision on the same weights and batch.

    ``exact`` still has its tensors. A side that cannot compute in it is listed with its reason, and the other
    is described alone.
    """
    refusals = pair.ask_both("refusal", precision=precision.name)
    unsupported = {name: reason for name, reason in refusals.items() if reason}
    sides = [name for name in exact.recording.folders if name not in unsupported]
    distances = _run_able(pair, exact, precision, sides, unsupported)
    flips = {name: count_flips(pair, exact, name, precision) for name in sides}
    both = len(sides) == len(exact.recording.folders)  # a side alone is described, and not judged
    gaps = [_judge(entry, sides, precision) for entry in distances] if both else []
    named = {entry["name"]: entry for entry in distances}
    gaps, forced = explain(pair, exact, gaps, flips=flips, distances=named, precision=precision)
    for name in sides:
        TensorFolder(folder_of(pair, precision, name)).clear()
    facts = {
        "precision": precision.name,
        "unsupported": unsupported,
        "flips": flips,
        "distances": distances,
        "ratio": _ratio(distances),
        "forced": forced,
    }
    stage = Stage(
        name=precision.stage, dtype=precision.stage, tolerance=precision.tolerance, gaps=gaps, facts=facts
    )
    return _with_suspect(stage, exact)


def _run_able(
    pair: Pair, exact: Verdicts, precision: Precision, sides: list[str], unsupported: dict[str, str]
) -> list[dict[str, Any]]:
    """Run what can be run: a side whose layers refuse mixed precision becomes an unsupported one.

    A worker that died or hung refused nothing: its failure is raised.
    """
    while sides:
        try:
            return _run(pair, exact, precision, sides)
        except WorkerFailure as failure:
            if failure.is_gone or precision.name == "fp32":
                raise
            unsupported[failure.backend] = failure.reason
            sides.remove(failure.backend)
            pair.reopen(precision="fp64")
    return []


def _run(pair: Pair, exact: Verdicts, precision: Precision, sides: Sequence[str]) -> list[dict[str, Any]]:
    """Record the sides and measure every tensor; they are back in float64 afterwards."""
    pair.reopen(precision="fp32")
    pair.ask_both(
        "record",
        batch=pair.path("batch"),
        target=lambda name: f"{precision.name}-{name}",
        autocast=precision.name,
        among=sides,
    )
    distances = []
    for ours, theirs in exact.recording.files().items():
        if exact.gaps[ours].note == NO_EFFECT:
            continue  # the two sides mean different things by that layer
        files = {name: ours if name == "torch" else theirs for name in sides}
        entry = _describe(pair, ours, exact, files, precision)
        if entry is not None:
            distances.append(entry)
    pair.reopen(precision="fp64")
    return distances


def _describe(
    pair: Pair, name: TensorName, exact: Verdicts, files: Mapping[str, str], precision: Precision
) -> dict[str, Any] | None:
    """Distances of the sides from the truth, and of layers' outputs in units in the last place."""
    if name not in exact.recording.folders["torch"]:
        return None
    entry: dict[str, Any] = {"name": name}
    for side, file in files.items():
        expected = exact.truth(side, name).load(name)
        if expected.dtype.kind != "f":
            return None  # a number of a class, a mask: rounding turns it over, or does not touch it
        entry["shape"] = list(expected.shape)
        folder = TensorFolder(folder_of(pair, precision, side))
        if file not in folder:
            return None
        found = folder.load(file)
        entry[side], entry[f"{side}_max_abs"] = distance(expected, found)
        if name.kind != GRADIENTS and found.shape == expected.shape:
            entry[f"{side}_ulps"] = _ulps(expected, found, bits=precision.bits)
    return entry


def _ulps(expected: np.ndarray, found: np.ndarray, *, bits: int) -> float:
    """The median distance in units in the last place of a number with so many bits of mantissa."""
    if not expected.size:
        return 0.0
    spacing = np.spacing(np.abs(expected).astype(np.float32)).astype(np.float64) * 2.0 ** (23 - bits)
    return float(np.median(np.abs(found - expected) / spacing))


def _judge(entry: Mapping[str, Any], sides: Sequence[str], precision: Precision) -> Gap:
    """The furthest side against the tolerance."""
    worst = max(sides, key=lambda side: entry[side])
    each = ", ".join(f"{side} {entry[side]:.1e}" for side in sides)
    return Gap(
        name=entry["name"],
        shape=tuple(entry["shape"]),
        relative_l2=entry[worst],
        max_abs=entry[f"{worst}_max_abs"],
        tolerance=precision.tolerance,
        verdict=PASS if entry[worst] <= precision.tolerance else FAIL,
        note=sentences.FROM_TRUTH.format(distances=each),
    )


def _ratio(distances: list[dict[str, Any]]) -> float | None:
    """Paddle's distance from the truth over torch's: the median of all tensors."""
    both = [entry for entry in distances if "torch" in entry and "paddle" in entry]
    ratios = [
        entry["paddle"] / entry["torch"] for entry in both if entry["torch"] and np.isfinite(entry["paddle"])
    ]
    return float(np.median(ratios)) if ratios else None


def _with_suspect(stage: Stage, exact: Verdicts) -> Stage:
    stage.gaps = [replace(gap, name=TensorName(gap.name).label) for gap in stage.gaps]
    failed = [gap for gap in stage.gaps if gap.verdict == FAIL]
    if not failed:
        return stage
    layers = {match.name: match for match in exact.recording.matches}
    first = next((gap for gap in failed if gap.name in layers), failed[0])  # outputs before gradients
    match = layers.get(first.name.removesuffix(" (output)"))
    base = str(match.ours["base"]) if match and match.ours else None
    stage.first = first
    stage.suspect = Suspect(
        layer=match.layer if match else first.name.rpartition(".")[0] or None,
        relative_l2=first.relative_l2,
        path=f"{first.note}; {sentences.NO_FLIP}",
        base=base,
    )
    return stage
