"""The stages on one batch: parameters, data, repeat, forward, loss, gradients, metrics, train mode."""

from collections.abc import Mapping, Sequence
from dataclasses import replace
from typing import Any

import numpy as np

from benchmarks.parity import blame, roundings
from benchmarks.parity.bench import Bench
from benchmarks.parity.folder import TensorFolder
from benchmarks.parity.gaps import FAIL, PASS, TOLERANCE, Gap, compare, distance, excuse, missing
from benchmarks.parity.localisation import Suspect
from benchmarks.parity.recorded import NO_EFFECT, Recorded
from benchmarks.parity.stage import Stage

BATCHES = 4  # of the user's own data that are compared
METRIC_ROWS = 256
METRIC_TOLERANCE = 1e-6  # metrics are counted in float32 by many
MASK_SIGMAS = 5  # by how many standard deviations a dropped share may stray from the rate


def parameters_stage(bench: Bench) -> Stage:
    """Counts, names, shapes, trainable or frozen; buffers that are constants must be equal."""
    ours, theirs = (
        {entry["name"]: entry for entry in bench.described[name]["parameters"]} for name in bench.described
    )
    pairing = bench.pairing
    assert pairing is not None
    gaps = []
    for name, other in pairing.parameters.items():
        same = ours[name]["trainable"] == theirs[other]["trainable"]
        words = [("trainable" if side["trainable"] else "frozen") for side in (ours[name], theirs[other])]
        note = None if same else f"{words[0]} in torch, {words[1]} in paddle"
        gaps.append(_entry(name, ours[name]["shape"], verdict=PASS if same else FAIL, note=note))
    gaps += _buffers(bench)
    facts = {
        "paired": pairing.method,
        "parameters": bench.parameters(),
        "trainable": sum(int(np.prod(entry["shape"])) for entry in ours.values() if entry["trainable"]),
        "buffers": list(pairing.buffers),
    }
    first = next((gap for gap in gaps if gap.verdict == FAIL), None)
    suspect = None
    if first is not None:
        layer = next((e["layer"] for e in _everything(bench) if e["name"] == first.name), None)
        suspect = Suspect(layer=layer, relative_l2=None, path=first.note or "")
    return Stage(name="parameters", dtype=None, tolerance=None, gaps=gaps, suspect=suspect, facts=facts)


def _everything(bench: Bench) -> list[Mapping[str, Any]]:
    return [*bench.described["torch"]["parameters"], *bench.described["torch"]["buffers"]]


def _buffers(bench: Bench) -> list[Gap]:
    """Statistics are copied, so they only have to be there; constants are the definition's own."""
    pairing = bench.pairing
    assert pairing is not None
    left, right = (
        {entry["name"]: entry for entry in bench.described[name]["buffers"]} for name in bench.described
    )
    lone = [(name, "torch") for name in left if name not in pairing.buffers]
    lone += [(name, "paddle") for name in right if name not in set(pairing.buffers.values())]
    statistics = bench.statistics()
    gaps = [_entry(name, left[name]["shape"], verdict=PASS) for name in statistics]
    gaps += [
        _entry(name, (left | right)[name]["shape"], verdict=PASS, note=f"a buffer that {side} alone has")
        for name, side in lone
    ]
    constants = [name for name in pairing.buffers if name not in statistics]
    if constants:
        bench.ask_both("buffers", target=lambda name: f"buffers-{name}")
        folders = [TensorFolder(bench.path(f"buffers-{name}")) for name in ("torch", "paddle")]
        gaps += [
            compare(name, folders[0].load(name), folders[1].load(pairing.buffers[name])) for name in constants
        ]
    return gaps


def _entry(name: str, shape: Sequence[int], *, verdict: str, note: str | None = None) -> Gap:
    return Gap(
        name=name, shape=tuple(shape), relative_l2=0.0, max_abs=0.0, tolerance=0.0, verdict=verdict, note=note
    )


def data_stage(bench: Bench) -> Stage:
    """The first batches of the user's own data on both sides: order, pixels, labels."""
    counts = bench.ask_both("batches", target=lambda name: f"data-{name}", count=BATCHES)
    folders = [TensorFolder(bench.path(f"data-{name}")) for name in ("torch", "paddle")]
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


def repeat_stage(bench: Bench, recorded: Recorded) -> Stage:
    """Each backend again, and again after another call: bit-identical, or something is hidden or random."""
    gaps, suspect = [], None
    for name, folder in recorded.folders.items():
        for when in ("at once", "after another call"):
            if when == "after another call":
                bench.ask(name, "distract", batch=bench.path("batch"))
            different = bench.ask(name, "repeat", batch=bench.path("batch"), reference=str(folder.path))
            for entry in different:
                gaps.append(_unrepeated(entry, backend=name, when=when))
            if different and suspect is None:
                suspect = _unrepeated_layer(recorded, different, backend=name, when=when)
            if different:
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
    recorded: Recorded, different: Sequence[Mapping[str, Any]], *, backend: str, when: str
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


def result_stages(recorded: Recorded) -> list[Stage]:
    """Forward, loss and gradients of a comparison that has been judged."""
    gaps = recorded.gaps
    forward = [_named(gap, name[7:-7]) for name, gap in gaps.items() if _is_layer(name, "output")]
    forward.append(_named(gaps["forward/logits"], "logits"))
    stages = [Stage(name="forward", gaps=forward)]
    if recorded.failed("forward/logits"):
        stages[0].suspect = blame.blame_forward(recorded)
        stages[0].first = forward[-1]
    facts = recorded.layers_on_one_side()
    stages[0].facts = {"layers_on_one_side": facts} if facts else {}
    stages.append(Stage(name="loss", gaps=[_named(gaps["loss/loss"], "loss")]))
    gradients = [
        _named(gap, f"{name[7:-9]} (output)") for name, gap in gaps.items() if _is_layer(name, "gradient")
    ]
    gradients += [_named(gaps["forward/gradient"], "logits")]
    parameters = {
        name[10:]: _named(gap, name[10:]) for name, gap in gaps.items() if name.startswith("gradients/")
    }
    backward = Stage(name="gradients", gaps=[*gradients, *parameters.values()])
    if recorded.failed("gradients/") or recorded.failed("forward/gradient"):
        backward.suspect = blame.blame_backward(recorded)
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
    parameters: Mapping[str, Gap], layers: Sequence[Gap], suspect: Suspect | None, recorded: Recorded
) -> Gap:
    """The gradient that shows it: a parameter's of the guilty layer, else the last that failed."""
    owners = {e["name"]: e["layer"] for e in recorded.bench.described["torch"]["parameters"]}
    failed = [gap for gap in reversed(list(parameters.values())) if gap.verdict == FAIL]
    guilty = [gap for gap in failed if suspect and owners[gap.name] == suspect.layer]
    return (guilty or failed or [gap for gap in layers if gap.verdict == FAIL])[0]


def _is_layer(name: str, what: str) -> bool:
    return name.startswith("layers/") and name.endswith(f"/{what}")


def _named(gap: Gap, name: str) -> Gap:
    return replace(gap, name=name)


def metrics_stage(bench: Bench) -> Stage:
    """The user's own metric on both sides, on the same drawn logits and labels."""
    rng = np.random.default_rng(bench.subject.seed)
    classes = bench.subject.num_classes
    labels = rng.integers(classes, size=METRIC_ROWS)
    logits = rng.standard_normal((METRIC_ROWS, classes))
    logits[np.arange(0, METRIC_ROWS, 2), labels[::2]] += 2  # so that a good part of them is right
    bench.folder("metric").fill([("logits", logits), ("labels", labels)])
    bench.ask_both("metrics", target=lambda name: f"metric-{name}", source=bench.path("metric"))
    ours, theirs = (TensorFolder(bench.path(f"metric-{name}")) for name in ("torch", "paddle"))
    gaps = [
        compare(name, ours.load(name), theirs.load(name), tolerance=METRIC_TOLERANCE)
        if name in ours and name in theirs
        else missing(name, note="on one side only", tolerance=METRIC_TOLERANCE)
        for name in sorted({*ours, *theirs})
    ]
    return Stage(name="metrics", tolerance=METRIC_TOLERANCE, gaps=gaps)


def train_mode_stage(bench: Bench, evaluated: Recorded) -> Stage:
    """Dropout's rates and scales; with equal masks the same forward and backward; statistics after it."""
    gaps, suspect = _dropout_gaps(bench, evaluated)
    _write_masks(bench, evaluated)
    recorded = Recorded(bench, training=True, masks=bench.path("masks"))
    recorded.judge()
    logits, loss, gradients = result_stages(recorded)
    statistics = [_named(gap, name[8:]) for name, gap in recorded.gaps.items() if name.startswith("buffers/")]
    stage = Stage(name="train-mode", gaps=[*gaps, *logits.gaps, *loss.gaps, *gradients.gaps, *statistics])
    blamed = next((part for part in (logits, gradients) if part.suspect), None)
    failed = [gap for gap in statistics if gap.verdict == FAIL]
    if suspect is not None:
        stage.suspect = suspect
    elif blamed is not None:
        stage.suspect, stage.first = blamed.suspect, blamed.first
        _explain_randomness(bench, recorded, stage)
    elif failed:
        stage.first = failed[0]
        stage.suspect = _statistics_suspect(bench, failed[0])
        stage.causes = _statistics_cause(recorded, failed)
    recorded.close()
    return stage


def _dropout_gaps(bench: Bench, evaluated: Recorded) -> tuple[list[Gap], Suspect | None]:
    ours, theirs = (
        {facts["name"]: facts for facts in bench.ask(name, "dropouts")} for name in ("torch", "paddle")
    )
    rounded: dict[str, Mapping[str, Any]] = {}
    gaps: list[Gap] = []
    suspect = None
    for match in evaluated.matches:
        if (
            not match.both
            or match.layer not in ours
            or not match.theirs
            or match.theirs["name"] not in theirs
        ):
            continue
        left, right = ours[match.layer], theirs[match.theirs["name"]]
        own = []
        for what in ("scale", "evaluation"):
            name = f"{match.layer} ({what} of 1)"
            gap = compare(name, np.array([left[what]]), np.array([right[what]]))
            if not gap.passed:
                if not rounded:
                    again = bench.ask("torch", "dropouts", rounding=["dropout-scale"])
                    rounded = {facts["name"]: facts for facts in again}
                again_gap = compare(name, np.array([rounded[match.layer][what]]), np.array([right[what]]))
                keys = ["dropout-scale"]
                gap = excuse(gap, again_gap, constant=roundings.constants(keys), bound=roundings.bound(keys))
            own.append(gap)
        own += [_dropped_share(match.layer, left, right), _same_kind(match.layer, left, right)]
        bad = next((gap for gap in own if gap.verdict == FAIL), None)
        if bad is not None and suspect is None:
            path = (
                f"torch drops at rate {left['rate']:g}, makes {left['scale']:g} of 1 in training and "
                f"{left['evaluation']:g} in evaluation; paddle {right['rate']:g}, {right['scale']:g} and "
                f"{right['evaluation']:g}"
            )
            suspect = Suspect(layer=match.layer, relative_l2=bad.relative_l2, path=path, base="Dropout")
        gaps += own
    return gaps, suspect


def _dropped_share(layer: str, left: Mapping[str, Any], right: Mapping[str, Any]) -> Gap:
    """Both drop the share that torch's rate promises, within what chance allows."""
    rate, count = left["rate"], left["decisions"]
    allowed = MASK_SIGMAS * float(np.sqrt(max(rate * (1 - rate), 1 / count) / count))
    strays = [abs(side["dropped"] / side["decisions"] - rate) for side in (left, right)]
    return Gap(
        name=f"{layer} (share dropped)",
        shape=(count,),
        relative_l2=max(strays),
        max_abs=max(strays),
        tolerance=allowed,
        verdict=PASS if max(strays) <= allowed else FAIL,
        note=f"torch {left['dropped'] / count:.4f}, paddle {right['dropped'] / count:.4f} of {count}",
    )


def _same_kind(layer: str, left: Mapping[str, Any], right: Mapping[str, Any]) -> Gap:
    """Both drop single numbers, or both whole channels."""
    words = [("whole channels" if side["channelwise"] else "single numbers") for side in (left, right)]
    same = words[0] == words[1]
    note = None if same else f"torch drops {words[0]}, paddle {words[1]}"
    return _entry(f"{layer} (what is dropped)", (), verdict=PASS if same else FAIL, note=note)


def _write_masks(bench: Bench, evaluated: Recorded) -> None:
    """Masks drawn once, at torch's rate, for every dropout layer that both sides have."""
    facts = {entry["name"]: entry for entry in bench.ask("torch", "dropouts")}
    ours, theirs = bench.folder("masks-torch"), bench.folder("masks-paddle")
    for number, match in enumerate(evaluated.matches):
        if match.both and match.layer in facts and match.theirs:
            shape = evaluated.folders["torch"].load(f"layers/{match.name}/input0").shape
            if facts[match.layer]["channelwise"]:
                shape = (*shape[:2], *(1 for _ in shape[2:]))
            rng = np.random.default_rng((bench.subject.seed, number))
            mask = (rng.random(shape) >= facts[match.layer]["rate"]).astype(np.uint8)
            ours.add(match.layer, mask)
            theirs.add(match.theirs["name"], mask)


def _explain_randomness(bench: Bench, recorded: Recorded, stage: Stage) -> None:
    """See, where train mode differs, whether a side is random beside its dropout layers."""
    random = []
    for name, folder in recorded.folders.items():
        bench.ask(name, "load", source=bench.path("weights"))
        options = dict(recorded.mode, masks=f"{recorded.mode['masks']}-{name}")
        if bench.ask(name, "repeat", batch=bench.path("batch"), reference=str(folder.path), **options):
            random.append(name)
    if random:
        stage.causes = [
            f"{' and '.join(random)} draws random numbers outside of dropout layers: give each a layer, "
            "nn.Dropout instead of functional.dropout, so that masks can be given to both"
        ]


def _statistics_suspect(bench: Bench, gap: Gap) -> Suspect:
    entry = next(e for e in bench.described["torch"]["buffers"] if e["name"] == gap.name)
    path = f"{gap.name} departs by {gap.relative_l2:.1e} after one step in training mode"
    return Suspect(layer=entry["layer"], relative_l2=gap.relative_l2, path=path, base=entry["type"])


def _statistics_cause(recorded: Recorded, failed: Sequence[Gap]) -> list[str]:
    """Whether the frameworks' own difference, the biased variance, explains it to the last digit."""
    bench, name = recorded.bench, failed[0].name
    if not all(gap.name.endswith("running_var") for gap in failed):
        return []
    entry = next(e for e in bench.described["torch"]["buffers"] if e["name"] == name)
    call = next(call for call in recorded.calls["torch"] if call["name"] == entry["layer"])
    x = recorded.folders["torch"].load(f"layers/{call['call']}/input0")
    count = x.size // x.shape[1]
    before = TensorFolder(bench.path("weights")).load(f"buffers/{name}").astype(np.float64)
    ours = recorded.reference.load(f"buffers/{name}")
    theirs = recorded.folders["paddle"].load(f"buffers/{name}")
    unbiased = x.var(axis=(0, *range(2, x.ndim)), ddof=1)
    share = float(np.median((ours - before) / (unbiased - before)))  # the momentum
    expected = before + share * (unbiased * (count - 1) / count - before)
    gap, _ = distance(expected, theirs)
    if gap > TOLERANCE * 10:
        return []
    return [
        f"paddle keeps the biased variance, torch the unbiased one: with n = {count} numbers a channel that "
        f"explains it to {gap:.0e}; a true difference between the frameworks"
    ]
