"""The stages on one batch in evaluation mode: data, repeat, forward, loss, gradients, metrics."""

from collections.abc import Mapping, Sequence
from dataclasses import replace
from typing import Any

import numpy as np

from benchmarks.parity.judge import localization
from benchmarks.parity.judge.judge import NO_EFFECT
from benchmarks.parity.judge.localization import Suspect
from benchmarks.parity.sides.pair import Pair
from benchmarks.parity.sides.recording import Recording
from benchmarks.parity.stages.stage import Stage
from benchmarks.parity.tensors.gaps import FAIL, PASS, Gap, compare, missing
from benchmarks.parity.tensors.tensor_folder import TensorFolder

BATCHES = 4  # of the user's own data that are compared
METRIC_ROWS = 256
METRIC_TOLERANCE = 1e-6  # metrics are counted in float32 by many


def data_stage(pair: Pair) -> Stage:
    """The first batches of the user's own data on both sides: order, pixels, labels."""
    counts = pair.ask_both("batches", target=lambda name: f"data-{name}", count=BATCHES)
    folders = [TensorFolder(pair.path(f"data-{name}")) for name in ("torch", "paddle")]
    gaps = []
    for name in sorted(set(folders[0]) | set(folders[1])):
        number, _, what = name.partition("/")
        title = f"batch {number}: {what}"
        present = [name in folder for folder in folders]
        if not all(present):
            side = "paddle" if present[0] else "torch"
            gaps.append(missing(title, note=f"{side} yields {min(counts.values())} batches"))
            continue
        ours, theirs = (folder.load(name) for folder in folders)
        gap = compare(title, ours, theirs)
        if gap.verdict == FAIL and ours.shape == theirs.shape:
            rows = np.flatnonzero((ours != theirs).reshape(len(ours), -1).any(axis=1))
            gap = replace(gap, note=f"rows {rows.tolist()[:8]} of {len(ours)} differ")
        gaps.append(gap)
    return Stage(name="data", dtype=None, gaps=gaps)


def repeat_stage(pair: Pair, recorded: Recording) -> Stage:
    """Each backend again, and again after another call: bit-identical, or something is hidden or random."""
    gaps, suspect = [], None
    for when in ("at once", "after another call"):
        if when == "after another call":
            pair.ask_both("distract", batch=pair.path("batch"))
        told = pair.ask_both("repeat", batch=pair.path("batch"), own=recorded.repeated)
        for name, different in told.items():
            gaps += [_unrepeated(entry, backend=name, when=when) for entry in different]
            if different and suspect is None:
                suspect = _unrepeated_layer(recorded, different, backend=name, when=when)
        if gaps:
            break
    facts = {"compared": {name: sum(1 for _ in folder) for name, folder in recorded.folders.items()}}
    return Stage(name="repeat", tolerance=0.0, gaps=gaps, suspect=suspect, facts=facts)


def _unrepeated(entry: Mapping[str, Any], *, backend: str, when: str) -> Gap:
    return Gap(
        name=f"{backend}: {entry['name']}",
        shape=(),
        relative_l2=entry["relative_l2"],
        max_abs=entry["max_abs"],
        tolerance=0.0,
        verdict=FAIL,
        note=f"{backend} computes something else when asked again {when}",
    )


def _unrepeated_layer(
    recorded: Recording, different: Sequence[Mapping[str, Any]], *, backend: str, when: str
) -> Suspect:
    """The first call that is not repeated; if that is its input, the place before it."""
    name = next((entry["name"] for entry in different if entry["name"].startswith("layers/")), None)
    gap = different[0]["relative_l2"]
    path = f"{backend} computes something else when asked again {when}, first in {different[0]['name']}"
    if name is None or not different[0]["name"].startswith("layers/"):
        return Suspect(layer=None, relative_l2=gap, path=path)
    _, label, what = name.split("/")
    calls = recorded.calls[backend]
    place = next((place for place, call in enumerate(calls) if call["call"] == label), 0)
    names = {match.theirs["call"]: match.layer for match in recorded.matches if match.theirs}
    torch_name = names.get(label, label) if backend == "paddle" else calls[place]["name"]
    if what.startswith("input"):
        before = calls[place - 1]["call"] if place else "input"
        before = names.get(before, before) if backend == "paddle" else before
        return Suspect(layer=f"between {before} and {torch_name}", relative_l2=gap, path=path)
    return Suspect(layer=torch_name, relative_l2=gap, path=path, base=calls[place]["base"])


def result_stages(recorded: Recording) -> list[Stage]:
    """Forward, loss and gradients of a comparison that has been judged."""
    gaps = recorded.gaps
    forward = [named(gap, name[7:-7]) for name, gap in gaps.items() if _is_layer(name, "output")]
    forward.append(named(gaps["forward/logits"], "logits"))
    stages = [Stage(name="forward", gaps=forward)]
    if recorded.failed("forward/logits"):
        stages[0].suspect = localization.blame_forward(recorded)
        stages[0].first = forward[-1]
    facts = recorded.layers_on_one_side()
    stages[0].facts = {"layers_on_one_side": facts} if facts else {}
    stages.append(Stage(name="loss", gaps=[named(gaps["loss/loss"], "loss")]))
    gradients = [
        named(gap, f"{name[7:-9]} (output)") for name, gap in gaps.items() if _is_layer(name, "gradient")
    ]
    gradients += [named(gaps["forward/gradient"], "logits")]
    parameters = {
        name[10:]: named(gap, name[10:]) for name, gap in gaps.items() if name.startswith("gradients/")
    }
    backward = Stage(name="gradients", gaps=[*gradients, *parameters.values()])
    if recorded.failed("gradients/") or recorded.failed("forward/gradient"):
        backward.suspect = localization.blame_backward(recorded)
        backward.first = _first_gradient(parameters, gradients, backward.suspect, recorded)
    stages.append(backward)
    return _without_innocent_layers(stages)


def _without_innocent_layers(stages: list[Stage]) -> list[Stage]:
    """A layer's tensor fails its stage only if a result of that stage fails."""
    for stage, results in ((stages[0], stages[0].gaps[-1:]), (stages[2], stages[2].gaps)):
        own = [gap for gap in results if not gap.name.endswith("(output)")]
        if not any(gap.verdict == FAIL for gap in own):
            stage.gaps = [
                replace(gap, verdict=PASS, note=NO_EFFECT) if gap.verdict == FAIL else gap
                for gap in stage.gaps
            ]
    return stages


def _first_gradient(
    parameters: Mapping[str, Gap], layers: Sequence[Gap], suspect: Suspect | None, recorded: Recording
) -> Gap:
    """The gradient that shows it: a parameter's of the guilty layer, else the last that failed."""
    owners = {e["name"]: e["layer"] for e in recorded.pair.described["torch"]["parameters"]}
    failed = [gap for gap in reversed(list(parameters.values())) if gap.verdict == FAIL]
    guilty = [gap for gap in failed if suspect and owners[gap.name] == suspect.layer]
    return (guilty or failed or [gap for gap in layers if gap.verdict == FAIL])[0]


def _is_layer(name: str, what: str) -> bool:
    return name.startswith("layers/") and name.endswith(f"/{what}")


def named(gap: Gap, name: str) -> Gap:
    """The gap under another name."""
    return replace(gap, name=name)


def metrics_stage(pair: Pair) -> Stage:
    """The user's own metric on both sides, on the same drawn logits and labels."""
    rng = np.random.default_rng(pair.subject.seed)
    classes = pair.subject.num_classes
    labels = rng.integers(classes, size=METRIC_ROWS)
    logits = rng.standard_normal((METRIC_ROWS, classes))
    logits[np.arange(0, METRIC_ROWS, 2), labels[::2]] += 2  # so that a good part of them is right
    pair.folder("metric").fill([("logits", logits), ("labels", labels)])
    pair.ask_both("metrics", target=lambda name: f"metric-{name}", source=pair.path("metric"))
    ours, theirs = (TensorFolder(pair.path(f"metric-{name}")) for name in ("torch", "paddle"))
    gaps = [
        compare(name, ours.load(name), theirs.load(name), tolerance=METRIC_TOLERANCE)
        if name in ours and name in theirs
        else missing(name, note="on one side only", tolerance=METRIC_TOLERANCE)
        for name in sorted({*ours, *theirs})
    ]
    return Stage(name="metrics", tolerance=METRIC_TOLERANCE, gaps=gaps)
