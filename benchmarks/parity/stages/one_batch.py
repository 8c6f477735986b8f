"""The stages on one batch in evaluation mode: data, repeat, forward, loss, gradients, metrics."""

from collections.abc import Mapping, Sequence
from dataclasses import replace
from typing import Any

import numpy as np

from benchmarks.parity.judge import localization, sentences
from benchmarks.parity.judge.gap import FAIL, PASS, Gap, compare, missing
from benchmarks.parity.judge.judge import NO_EFFECT
from benchmarks.parity.judge.localization import Suspect
from benchmarks.parity.judge.verdicts import Verdicts
from benchmarks.parity.sides.pair import Pair
from benchmarks.parity.sides.recording import Recording
from benchmarks.parity.stages.investigation import run_alone
from benchmarks.parity.stages.stage import Stage
from benchmarks.parity.stages.unknown_constants import causes_with_constants
from benchmarks.parity.tensors.tensor_folder import TensorFolder
from benchmarks.parity.tensors.tensor_name import (
    GRADIENT,
    GRADIENTS,
    INPUT,
    LAYERS,
    LOGITS,
    LOGITS_GRADIENT,
    LOSS,
    OUTPUT,
    OUTPUTS,
    TensorName,
)

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


def repeat_stage(pair: Pair, recording: Recording) -> Stage:
    """Each backend again, and again after another call: bit-identical, or something is hidden or random."""
    gaps, suspect = [], None
    for when in (sentences.AT_ONCE, sentences.AFTER_ANOTHER):
        if when == sentences.AFTER_ANOTHER:
            pair.ask_both("distract", batch=pair.path("batch"))
        changed = pair.repeat(recording)
        for name, different in changed.items():
            gaps += [_unrepeated(entry, backend=name, when=when) for entry in different]
            if different and suspect is None:
                suspect = _unrepeated_layer(recording, different, backend=name, when=when)
        if gaps:
            break
    facts = {"compared": {name: sum(1 for _ in folder) for name, folder in recording.folders.items()}}
    return Stage(name="repeat", tolerance=0.0, gaps=gaps, suspect=suspect, facts=facts)


def _unrepeated(entry: Mapping[str, Any], *, backend: str, when: str) -> Gap:
    return Gap(
        name=f"{backend}: {entry['name']}",
        shape=(),
        relative_l2=entry["relative_l2"],
        max_abs=entry["max_abs"],
        tolerance=0.0,
        verdict=FAIL,
        note=sentences.NOT_REPEATED.format(side=backend, when=when),
    )


def _unrepeated_layer(
    recording: Recording, different: Sequence[Mapping[str, Any]], *, backend: str, when: str
) -> Suspect:
    """The first call that is not repeated.

    If its input is not repeated either, the place before it.
    """
    name = next((entry["name"] for entry in different if TensorName(entry["name"]).kind == LAYERS), None)
    gap = different[0]["relative_l2"]
    path = sentences.FIRST_NOT_REPEATED.format(side=backend, when=when, name=different[0]["name"])
    if name is None or TensorName(different[0]["name"]).kind != LAYERS:
        return Suspect(layer=None, relative_l2=gap, path=path)
    label, what = TensorName(name).owner, TensorName(name).what
    calls = recording.calls[backend]
    place = next((place for place, call in enumerate(calls) if call["call"] == label), 0)
    names = {match.theirs["call"]: match.layer for match in recording.matches if match.theirs}
    torch_name = names.get(label, label) if backend == "paddle" else calls[place]["name"]
    if what == GRADIENT:  # it was computed by the layer that this one's output goes to
        following = calls[place + 1] if place + 1 < len(calls) else None
        if following is not None:
            label = following["call"]
            layer = names.get(label, label) if backend == "paddle" else following["name"]
            return Suspect(layer=layer, relative_l2=gap, path=path, base=following["base"])
    if what.startswith(INPUT):
        before = calls[place - 1]["call"] if place else "input"
        before = names.get(before, before) if backend == "paddle" else before
        return Suspect(
            layer=sentences.BETWEEN.format(first=before, second=torch_name), relative_l2=gap, path=path
        )
    return Suspect(layer=torch_name, relative_l2=gap, path=path, base=calls[place]["base"])


def result_stages(pair: Pair, verdicts: Verdicts) -> list[Stage]:
    """Forward, loss and gradients of a recording, with the layer to blame where one of them fails."""
    failed = verdicts.failed()
    results = [name for name in failed if name.kind == OUTPUTS]
    forward_failed = LOGITS in failed or any(name.is_output for name in results)
    backward_failed = LOGITS_GRADIENT in failed or any(
        name.kind == GRADIENTS or (name in results and name.is_gradient) for name in failed
    )
    alone = run_alone(pair, verdicts) if forward_failed or backward_failed else None
    parameters = pair.described["torch"]["parameters"]
    stages = [_forward_stage(verdicts), _loss_stage(verdicts), _gradients_stage(verdicts)]
    if forward_failed and alone is not None:
        stages[0].suspect = localization.blame_forward(verdicts, alone)
        of_model = [*(name for name in failed if name.kind == OUTPUTS and name.is_output), LOGITS]
        stages[0].first = titled({name: verdicts.gaps[name] for name in of_model if name in failed})[0]
        stages[0].causes = causes_with_constants(pair, verdicts, stages[0].suspect, stage="forward")
    if backward_failed and alone is not None:
        suspect = localization.blame_backward(verdicts, alone, parameters=parameters)
        stages[2].suspect = suspect
        stages[2].first = _first_gradient(verdicts, suspect, parameters)
        if not forward_failed:
            stages[2].causes = causes_with_constants(pair, verdicts, suspect, stage="gradients")
    return _without_innocent_layers(stages, verdicts)


def _forward_stage(verdicts: Verdicts) -> Stage:
    gaps = titled(verdicts.of_kind(LAYERS, OUTPUTS, what=OUTPUT) | {LOGITS: verdicts.gaps[LOGITS]})
    lone = verdicts.recording.layers_on_one_side()
    return Stage(name="forward", gaps=gaps, facts={"layers_on_one_side": lone} if lone else {})


def _loss_stage(verdicts: Verdicts) -> Stage:
    return Stage(name="loss", gaps=titled({LOSS: verdicts.gaps[LOSS]}))


def _gradients_stage(verdicts: Verdicts) -> Stage:
    """Gradients of the layers' outputs, of the logits, and of the parameters."""
    layers = titled(verdicts.of_kind(LAYERS, OUTPUTS, what=GRADIENT))
    logits = replace(verdicts.gaps[LOGITS_GRADIENT], name="logits")
    return Stage(name="gradients", gaps=[*layers, logits, *titled(verdicts.of_kind(GRADIENTS))])


def _without_innocent_layers(stages: list[Stage], verdicts: Verdicts) -> list[Stage]:
    """A layer's tensor fails its stage only if a result of that stage fails, or if it has NaN."""
    layers = {name.label for name in verdicts.gaps if name.kind == LAYERS}
    for stage in (stages[0], stages[2]):
        own = [gap for gap in stage.gaps if gap.name not in layers]
        if not any(gap.verdict == FAIL for gap in own):
            stage.gaps = [
                replace(gap, verdict=PASS, note=NO_EFFECT) if gap.verdict == FAIL and not gap.has_nan else gap
                for gap in stage.gaps
            ]
            seen = next((gap for gap in stage.gaps if gap.verdict == FAIL), None)
            if seen is not None:
                path = "it has NaN, and no result sees it"
                stage.suspect = Suspect(layer=seen.name, relative_l2=seen.relative_l2, path=path)
    return stages


def _first_gradient(
    verdicts: Verdicts, suspect: Suspect | None, parameters: Sequence[Mapping[str, Any]]
) -> Gap:
    """The gradient that shows it: a parameter's of the guilty layer, else the last that failed."""
    owners = {entry["name"]: entry["layer"] for entry in parameters}
    failed = [gap for gap in reversed(titled(verdicts.of_kind(GRADIENTS))) if gap.verdict == FAIL]
    guilty = [gap for gap in failed if suspect and owners[gap.name] == suspect.layer]
    others = _gradients_stage(verdicts).gaps
    return (guilty or failed or [gap for gap in others if gap.verdict == FAIL])[0]


def titled(gaps: Mapping[TensorName, Gap]) -> list[Gap]:
    """The gaps under the names that a report has for them."""
    return [replace(gap, name=name.label) for name, gap in gaps.items()]


def metrics_stage(pair: Pair) -> Stage:
    """The user's own metric on both sides, on the same drawn logits and labels."""
    rng = np.random.default_rng(pair.subject.seed)
    classes = pair.subject.num_classes
    labels = rng.integers(classes, size=METRIC_ROWS)
    logits = rng.standard_normal((METRIC_ROWS, classes))
    logits[np.arange(0, METRIC_ROWS, 2), labels[::2]] += 2  # so that a good part of them is right
    tied = slice(0, METRIC_ROWS, 4)
    logits[tied] = np.round(logits[tied])  # frameworks rank ties differently, and metrics count them so
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
