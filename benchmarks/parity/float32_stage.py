"""float32, described: how far each framework is from the float64 truth, and which decisions flipped.

The truth is torch's float64 run, with which paddle's agrees. A gradient that is further away than
rounding explains is repeated in float64 with the decisions (ReLU, max-pool) that the float32 run took:
if it then agrees, flipped decisions are the explanation; if not, it is a failure.
"""

from collections.abc import Iterable, Mapping
from dataclasses import replace
from typing import Any

import numpy as np

from benchmarks.parity.bench import Bench
from benchmarks.parity.folder import TensorFolder
from benchmarks.parity.gaps import FAIL, PASS, Gap, distance
from benchmarks.parity.localisation import Suspect
from benchmarks.parity.recorded import NO_EFFECT, Recorded
from benchmarks.parity.stage import Stage

# Measured without flips: 5e-7 on lenet5, 5e-6 on alexnet. TF32 and half precision are 4e-4 and more.
TOLERANCE = 3e-5
SPREAD = 100  # over what one unit in the last place of the images does in float64, scaled to float32
SCALE = 2.0**29  # a unit in the last place of float32 over one of float64
DECIDERS = ("ReLU", "MaxPool2d")


def float32_stage(bench: Bench, exact: Recorded) -> Stage:
    """Run both sides in float32 on the same weights and batch; ``exact`` still has its tensors."""
    bench.open(precision="fp32")
    bench.load_weights()
    gaps: list[Gap] = []
    told: list[dict[str, Any]] = []
    flips: dict[str, list[dict[str, Any]]] = {}
    for name in ("torch", "paddle"):
        folder = bench.folder(f"fp32-{name}")
        bench.ask(name, "record", batch=bench.path("batch"), target=str(folder.path))
    truth = exact.folders["torch"]
    for ours, theirs in exact.files().items():
        if exact.gaps[ours].note == NO_EFFECT:
            continue  # the two sides mean different things by that layer
        entry = _describe(ours, truth, {"torch": ours, "paddle": theirs}, bench)
        if entry is not None:
            told.append(entry)
            gaps.append(_judge(entry))
    bench.open(precision="fp64")
    bench.load_weights()
    for name in ("torch", "paddle"):
        flips[name] = _flips(bench, exact, name)
    gaps, forced = _explain(bench, exact, gaps, flips, {entry["name"]: entry for entry in told})
    facts = {"flips": flips, "float32": told, "ratio": _ratio(told), "forced": forced}
    stage = Stage(name="float32", dtype="float32", tolerance=TOLERANCE, gaps=gaps, facts=facts)
    return _with_suspect(stage, exact)


def _describe(
    name: str, truth: TensorFolder, files: Mapping[str, str], bench: Bench
) -> dict[str, Any] | None:
    """Distances of both sides from the truth, and of layers' outputs in units in the last place."""
    if name not in truth:
        return None
    expected = truth.load(name)
    entry: dict[str, Any] = {"name": name, "shape": list(expected.shape)}
    for side, file in files.items():
        folder = TensorFolder(bench.path(f"fp32-{side}"))
        if file not in folder:
            return None
        found = folder.load(file)
        entry[side], entry[f"{side}_max_abs"] = distance(expected, found)
        if not name.startswith("gradients/") and found.shape == expected.shape:
            entry[f"{side}_ulps"] = _ulps(expected, found)
    return entry


def _ulps(expected: np.ndarray, found: np.ndarray) -> float:
    """The median distance in units in the last place of float32."""
    spacing = np.spacing(np.abs(expected).astype(np.float32)).astype(np.float64)
    return float(np.median(np.abs(found - expected) / spacing)) if expected.size else 0.0


def _judge(entry: Mapping[str, Any]) -> Gap:
    """The further of the two sides against the tolerance."""
    worst = max(("torch", "paddle"), key=lambda side: entry[side])
    return Gap(
        name=entry["name"],
        shape=tuple(entry["shape"]),
        relative_l2=entry[worst],
        max_abs=entry[f"{worst}_max_abs"],
        tolerance=TOLERANCE,
        verdict=PASS if entry[worst] <= TOLERANCE else FAIL,
        note=f"from the float64 truth: torch {entry['torch']:.1e}, paddle {entry['paddle']:.1e}",
    )


def _flips(bench: Bench, exact: Recorded, name: str) -> list[dict[str, Any]]:
    """Decisions of one framework's float32 run that its float64 truth takes otherwise."""
    calls = _deciding_calls(exact, name)
    if not calls:
        return []
    found: list[dict[str, Any]] = bench.ask(
        "torch",
        "flips",
        exact=str(exact.folders["torch"].path),
        other=bench.path(f"fp32-{name}"),
        calls=calls,
    )
    return found


def _deciding_calls(exact: Recorded, name: str) -> dict[str, str]:
    calls = {}
    for match in exact.matches:
        if match.ours and match.theirs and match.ours["base"] in DECIDERS and not match.moved:
            own = match.ours if name == "torch" else match.theirs
            calls[match.name] = str(own["call"])
    return calls


def _explain(
    bench: Bench,
    exact: Recorded,
    gaps: list[Gap],
    flips: Mapping[str, list[dict[str, Any]]],
    told: Mapping[str, Mapping[str, Any]],
) -> tuple[list[Gap], dict[str, dict[str, float]]]:
    """Try the explanations of what is further away than rounding: noise by itself, then flips."""
    failed = {gap.name for gap in gaps if gap.verdict == FAIL}
    if not failed:
        return gaps, {}
    allowed = _movements(bench, exact, failed)
    gaps = [
        replace(
            gap, verdict=PASS, tolerance=allowed[gap.name], note=f"{gap.note}; as ill-conditioned as that"
        )
        if gap.verdict == FAIL and gap.relative_l2 <= allowed.get(gap.name, 0.0)
        else gap
        for gap in gaps
    ]
    forced: dict[str, dict[str, float]] = {}
    for name in ("torch", "paddle"):
        flipped = sum(entry["flipped"] for entry in flips[name])
        if flipped and any(gap.verdict == FAIL for gap in gaps):
            forced[name] = _force(bench, exact, name, [gap.name for gap in gaps if gap.verdict == FAIL])
    return [_explained(gap, told[gap.name], forced, flips) for gap in gaps], forced


def _gradients(files: Iterable[str]) -> list[str]:
    """The parameters whose gradients are among these files."""
    return [file[10:] for file in files if file.startswith("gradients/")]


def _movements(bench: Bench, exact: Recorded, names: set[str]) -> dict[str, float]:
    """How far each tensor may move in float32, from how far it moves in float64."""
    folder = bench.folder("fp32-moved")
    bench.ask(
        "torch",
        "record",
        batch=bench.path("batch"),
        target=str(folder.path),
        moved=True,
        gradients=_gradients(names),
    )
    own = exact.folders["torch"]
    moved = {
        name: SPREAD * SCALE * distance(own.load(name), folder.load(name))[0]
        for name in names
        if name in folder and name in own
    }
    folder.clear()
    return moved


def _force(bench: Bench, exact: Recorded, name: str, failed: list[str]) -> dict[str, float]:
    """Distances of a float32 run from the float64 one that is forced to decide as it did."""
    folder = bench.folder("fp32-forced")
    forced = {"folder": bench.path(f"fp32-{name}"), "calls": _deciding_calls(exact, name)}
    bench.ask(
        "torch",
        "record",
        batch=bench.path("batch"),
        target=str(folder.path),
        forced=forced,
        gradients=_gradients(failed),
    )
    files, found = exact.files(), TensorFolder(bench.path(f"fp32-{name}"))
    gaps = {
        file: distance(folder.load(file), found.load(file if name == "torch" else files[file]))[0]
        for file in failed
        if file in folder
    }
    folder.clear()
    return gaps


def _explained(
    gap: Gap,
    told: Mapping[str, Any],
    forced: Mapping[str, Mapping[str, float]],
    flips: Mapping[str, list[dict[str, Any]]],
) -> Gap:
    """Passed if every side that is too far away agrees with the truth that decides as it did."""
    if gap.verdict != FAIL or not forced:
        return gap
    far = [side for side in ("torch", "paddle") if told[side] > TOLERANCE]
    left = max(forced.get(side, {}).get(gap.name, float("inf")) for side in far)
    if left > TOLERANCE:
        return gap
    which = "; ".join(
        f"{name}: {entry['flipped']} of {entry['decisions']:,} decisions of {entry['call']} flipped, "
        f"margin {entry['margins'][0]:.0e} deviations"
        for name, entries in flips.items()
        for entry in entries
        if entry["flipped"]
    )
    return replace(
        gap, verdict=PASS, reproduced_relative_l2=left, note=f"{gap.note}; explained by flips ({which})"
    )


def _ratio(told: list[dict[str, Any]]) -> float | None:
    """Paddle's distance from the truth over torch's: the median of all tensors."""
    ratios = [
        entry["paddle"] / entry["torch"] for entry in told if entry["torch"] and np.isfinite(entry["paddle"])
    ]
    return float(np.median(ratios)) if ratios else None


def _with_suspect(stage: Stage, exact: Recorded) -> Stage:
    stage.gaps = [replace(gap, name=_title(gap.name)) for gap in stage.gaps]
    failed = [gap for gap in stage.gaps if gap.verdict == FAIL]
    if not failed:
        return stage
    layers = {match.name: match for match in exact.matches}
    first = next((gap for gap in failed if gap.name in layers), failed[0])  # outputs before gradients
    match = layers.get(first.name.removesuffix(" (output)"))
    base = str(match.ours["base"]) if match and match.ours else None
    stage.first = first
    stage.suspect = Suspect(
        layer=match.layer if match else first.name.rpartition(".")[0] or None,
        relative_l2=first.relative_l2,
        path=f"{first.note}; no flipped decision explains it",
        base=base,
    )
    return stage


def _title(name: str) -> str:
    if name.startswith("layers/"):
        _, call, what = name.split("/")
        return call if what == "output" else f"{call} (output)"
    return "logits (gradient)" if name == "forward/gradient" else name.partition("/")[2]
