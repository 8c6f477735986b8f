"""ReLU and max-pool decisions that a lower precision takes otherwise, and what they explain."""

import math
from collections.abc import Iterable, Mapping
from dataclasses import replace
from typing import Any

from benchmarks.parity.judge import sentences
from benchmarks.parity.judge.gap import FAIL, PASS, Gap
from benchmarks.parity.judge.verdicts import Verdicts
from benchmarks.parity.sides.pair import Pair
from benchmarks.parity.stages.tolerances import Precision
from benchmarks.parity.tensors.distance import distance
from benchmarks.parity.tensors.tensor_folder import TensorFolder
from benchmarks.parity.tensors.tensor_name import GRADIENTS, LOGITS, TensorName

DECIDERS = ("ReLU", "MaxPool2d")
FLIP_SPREAD = 3  # how many times as far as one draw of such a movement moves a gradient another may
MOST_FLIPPED = 2.0  # as far as two tensors of one length can lie apart
NO_DIGITS = 1e-3
MOST_MOVED = 1000  # units in the last place of the lower precision


def folder_of(pair: Pair, precision: Precision, name: str) -> str:
    """Where one framework's run in that precision lies."""
    return pair.path(f"{precision.name}-{name}")


def count_flips(pair: Pair, exact: Verdicts, name: str, precision: Precision) -> list[dict[str, Any]]:
    """Decisions of one framework's run that the float64 truth takes otherwise."""
    calls = _deciding_calls(exact, name)
    if not calls:
        return []
    found: list[dict[str, Any]] = pair.ask(
        "torch",
        "flips",
        exact=str(exact.recording.folders["torch"].path),
        other=folder_of(pair, precision, name),
        calls=calls,
    )
    return found


def _deciding_calls(exact: Verdicts, name: str) -> dict[str, str]:
    calls = {}
    for match in exact.recording.matches:
        if match.ours and match.theirs and match.ours["base"] in DECIDERS and not match.moved:
            own = match.ours if name == "torch" else match.theirs
            calls[match.name] = str(own["call"])
    return calls


def explain(
    pair: Pair,
    exact: Verdicts,
    gaps: list[Gap],
    *,
    flips: Mapping[str, list[dict[str, Any]]],
    distances: Mapping[str, Mapping[str, Any]],
    precision: Precision,
) -> tuple[list[Gap], dict[str, dict[str, float]]]:
    """Try the explanations of what is further away than rounding: flips, then a bad condition.

    Returns the gaps, and what each side's flips leave of them.
    """
    forced: dict[str, dict[str, float]] = {}
    failed = _failed(gaps)
    for name, entries in flips.items():
        if failed and any(entry["flipped"] for entry in entries):
            forced[name] = _force(pair, exact, name, failed, precision)
    limits = dict.fromkeys(failed, precision.tolerance)
    gaps = [_explained(gap, distances[gap.name], forced, flips, limits) for gap in gaps]
    failed = _failed(gaps)
    if failed:
        limits = _movements(pair, exact, set(failed), precision)
        gaps = [_ill_conditioned(gap, limits) for gap in gaps]
        gaps = [_explained(gap, distances[gap.name], forced, flips, limits) for gap in gaps]
    failed = [name for name in _failed(gaps) if _is_gradient(TensorName(name))]
    if failed:
        limits = _flip_noise(pair, exact, set(failed), distances, precision)
        gaps = [_within_flip_noise(gap, limits) for gap in gaps]
    return gaps, forced


def _flip_noise(
    pair: Pair,
    exact: Verdicts,
    names: set[str],
    distances: Mapping[str, Mapping[str, Any]],
    precision: Precision,
) -> dict[str, float]:
    """Allowed distance of gradients where decisions are taken by functions, which nobody can count or force.

    The images are moved until torch's float64 logits move as far as those of that precision do: what the
    gradients then move by is what rounding of that size makes of them, decisions that it turns over included.
    """
    truth, folder = exact.recording.folders["torch"], pair.folder("moved")
    wanted = max(float(distances.get(LOGITS, {}).get(side, 0.0)) for side in exact.recording.folders)
    found: dict[str, float] = {}
    factor = 1.0
    for _ in range(2):
        moved = factor * precision.unit
        gradients = _parameters_of(names)
        pair.ask(
            "torch",
            "record",
            batch=pair.path("batch"),
            target=str(folder.path),
            moved=moved,
            gradients=gradients,
        )
        for name in names:
            if name in folder and name in truth:
                gap, _ = distance(truth.load(name), folder.load(name))
                found[name] = max(found.get(name, 0.0), gap)
        reached, _ = distance(truth.load(LOGITS), folder.load(LOGITS))
        folder.clear()
        if not 0 < reached < wanted:
            break
        factor = min(wanted / reached, MOST_MOVED)
    return {name: min(FLIP_SPREAD * gap, MOST_FLIPPED) for name, gap in found.items() if math.isfinite(gap)}


def _is_gradient(name: TensorName) -> bool:
    return name.kind == GRADIENTS or name.is_gradient


def _within_flip_noise(gap: Gap, allowed: Mapping[str, float]) -> Gap:
    """Passed if images that move the logits as far move it as far."""
    if gap.verdict != FAIL or not gap.relative_l2 <= allowed.get(gap.name, 0.0):
        return gap
    note = f"{gap.note}; {sentences.MOVED_FLIPS}"
    return replace(gap, verdict=PASS, tolerance=allowed[gap.name], note=note)


def _failed(gaps: Iterable[Gap]) -> list[str]:
    return [gap.name for gap in gaps if gap.verdict == FAIL]


def _ill_conditioned(gap: Gap, allowed: Mapping[str, float]) -> Gap:
    """Passed if the images' own rounding moves it as far; what is infinitely far never is."""
    if gap.verdict != FAIL or not gap.relative_l2 <= allowed.get(gap.name, 0.0):
        return gap
    note = f"{gap.note}; {sentences.ILL_CONDITIONED}"
    return replace(gap, verdict=PASS, tolerance=allowed[gap.name], note=note)


def _parameters_of(names: Iterable[str]) -> list[str]:
    """The parameters whose gradients are among these tensors."""
    tensors = map(TensorName, names)
    return [tensor.owner for tensor in tensors if tensor.kind == GRADIENTS]


def _movements(pair: Pair, exact: Verdicts, names: set[str], precision: Precision) -> dict[str, float]:
    """Allowed movement of each tensor in that precision, from its movement in float64.

    It is never less than the tolerance, and never infinite.
    """
    folder = pair.folder("moved")
    pair.ask(
        "torch",
        "record",
        batch=pair.path("batch"),
        target=str(folder.path),
        moved=True,
        gradients=_parameters_of(names),
    )
    own = exact.recording.folders["torch"]
    moved = {
        name: _allowance(distance(own.load(name), folder.load(name))[0], precision)
        for name in names
        if name in folder and name in own
    }
    folder.clear()
    return moved


def _allowance(movement: float, precision: Precision) -> float:
    """Allowed distance of a tensor that moves so far in float64; no allowance is infinite."""
    if not math.isfinite(movement):
        return precision.tolerance
    reach = precision.reach * movement
    # What one unit in the last place of float64 moves so far is zero but for rounding: it has no digits.
    return max(precision.tolerance, reach if movement > NO_DIGITS else min(reach, precision.most))


def _force(
    pair: Pair, exact: Verdicts, name: str, failed: list[str], precision: Precision
) -> dict[str, float]:
    """Distances of a run from the float64 one that is forced to decide as it did."""
    folder = pair.folder("forced")
    forced = {"folder": folder_of(pair, precision, name), "calls": _deciding_calls(exact, name)}
    pair.ask(
        "torch",
        "record",
        batch=pair.path("batch"),
        target=str(folder.path),
        forced=forced,
        gradients=_parameters_of(failed),
    )
    files, found = exact.recording.files(), TensorFolder(folder_of(pair, precision, name))
    gaps = {
        file: distance(folder.load(file), found.load(file if name == "torch" else files[TensorName(file)]))[0]
        for file in failed
        if file in folder
    }
    folder.clear()
    return gaps


def _explained(
    gap: Gap,
    distances: Mapping[str, Any],
    forced: Mapping[str, Mapping[str, float]],
    flips: Mapping[str, list[dict[str, Any]]],
    limits: Mapping[str, float],
) -> Gap:
    """Passed if every side that is too far away agrees with the truth that decides as it did."""
    if gap.verdict != FAIL or not forced or gap.name not in limits:
        return gap
    limit = limits[gap.name]
    infinite = float("inf")
    far = [side for side in flips if not distances[side] <= limit]
    left = max((forced.get(side, {}).get(gap.name, infinite) for side in far), default=infinite)
    if left > limit:
        return gap
    which = "; ".join(
        sentences.FLIPPED.format(
            side=name,
            count=entry["flipped"],
            all=f"{entry['decisions']:,}",
            call=entry["call"],
            margin=f"{entry['margins'][0]:.0e}",
        )
        for name, entries in flips.items()
        for entry in entries
        if entry["flipped"]
    )
    note = f"{gap.note}; {sentences.FLIPS.format(flips=which)}"
    return replace(gap, verdict=PASS, tolerance=limit, reproduced_relative_l2=left, note=note)
