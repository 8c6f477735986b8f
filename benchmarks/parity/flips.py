"""ReLU and max-pool decisions that float32 takes otherwise, and what they explain."""

from collections.abc import Iterable, Mapping
from dataclasses import replace
from typing import Any

from benchmarks.parity.bench import Bench
from benchmarks.parity.folder import TensorFolder
from benchmarks.parity.gaps import FAIL, PASS, Gap, distance
from benchmarks.parity.recorded import Recorded

# Measured without flips: 5e-7 on lenet5, 5e-6 on alexnet. TF32 and half precision are 4e-4 and more.
TOLERANCE = 3e-5
SPREAD = 100  # over what one unit in the last place of the images does in float64, scaled to float32
SCALE = 2.0**29  # a unit in the last place of float32 over one of float64
DECIDERS = ("ReLU", "MaxPool2d")


def count_flips(bench: Bench, exact: Recorded, name: str) -> list[dict[str, Any]]:
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


def explain(
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
