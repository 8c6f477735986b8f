"""Training mode: dropout, forward and backward with equal masks, and the statistics that are kept."""

from collections.abc import Mapping
from typing import Any

import numpy as np

from benchmarks.parity.judge import sentences
from benchmarks.parity.judge.gap import FAIL, PASS, TOLERANCE, Gap, as_difference, compare, excuse, fact
from benchmarks.parity.judge.localization import Suspect
from benchmarks.parity.judge.running_variance import biased_running_variance
from benchmarks.parity.judge.verdicts import Verdicts
from benchmarks.parity.plan import DROPOUT_INSIDE, RANDOM_NUMBERS
from benchmarks.parity.sides.pair import Pair
from benchmarks.parity.sides.recording import Recording
from benchmarks.parity.stages.investigation import investigate
from benchmarks.parity.stages.one_batch import result_stages, titled
from benchmarks.parity.stages.stage import Stage
from benchmarks.parity.tensors import known_roundings
from benchmarks.parity.tensors.known_differences import RUNNING_VARIANCE
from benchmarks.parity.tensors.tensor_folder import TensorFolder
from benchmarks.parity.tensors.tensor_name import BUFFERS, TensorName

RATE = known_roundings.DROPOUT_SCALE
MOST_DRAWS = 6  # that a line lists
MASK_SIGMAS = 5  # by how many standard deviations a dropped share may stray from the rate


def train_mode_stage(pair: Pair, evaluated: Recording) -> Stage:
    """Dropout, then with equal masks forward, backward, and the statistics afterwards."""
    gaps, suspect = _dropout_gaps(pair, evaluated)
    inner = _inner_dropout_gaps(pair, evaluated)
    wrong = next((layer for layer, gap in inner.items() if gap.verdict == FAIL), None)
    if wrong is not None and suspect is None:
        suspect = Suspect(layer=wrong, relative_l2=None, path=inner[wrong].note or "", base="Dropout")
    gaps += inner.values()
    _write_masks(pair, evaluated)
    recording = pair.record(training=True, masks=pair.path("masks"))
    draws = pair.ask_both("draws")
    gaps += _draws_fact(draws)
    verdicts = investigate(pair, recording)
    logits, loss, gradients = result_stages(pair, verdicts)
    statistics = [_without_difference(pair, verdicts, gap) for gap in titled(verdicts.of_kind(BUFFERS))]
    stage = Stage(name="train-mode", gaps=[*gaps, *logits.gaps, *loss.gaps, *gradients.gaps, *statistics])
    blamed = next((part for part in (logits, gradients) if part.suspect), None)
    failed = [gap for gap in statistics if gap.verdict == FAIL]
    if suspect is not None:
        stage.suspect = suspect
    elif blamed is not None:
        stage.suspect, stage.first = blamed.suspect, blamed.first
        known = _randomness(verdicts) or _power_iterations(pair, blamed.suspect) or blamed.causes
        stage.causes = [*_other_draws(draws), *known]
    elif failed:
        stage.first = failed[0]
        stage.suspect = _statistics_suspect(pair, failed[0])
    pair.forget(recording)
    return stage


def _dropout_gaps(pair: Pair, evaluated: Recording) -> tuple[list[Gap], Suspect | None]:
    """Every dropout layer that both sides have: what it makes of 1, how often it drops, and what."""
    ours, theirs = ({facts["name"]: facts for facts in side} for side in pair.ask_both("dropouts").values())
    keys = [] if pair.subject.framework else [RATE]
    rounded = {facts["name"]: facts for facts in pair.ask("torch", "dropouts", rounding=keys)}
    gaps: list[Gap] = []
    suspect = None
    for match in evaluated.matches:
        if match.theirs is None or match.layer not in ours or match.theirs["name"] not in theirs:
            continue
        left, right = ours[match.layer], theirs[match.theirs["name"]]
        own = [_scale_gap(what, left, right, rounded[match.layer]) for what in ("scale", "evaluation")]
        own += [_dropped_share(match.layer, left, right), _same_kind(match.layer, left, right)]
        bad = next((gap for gap in own if gap.verdict == FAIL), None)
        if bad is not None and suspect is None:
            suspect = _dropout_suspect(bad, match.layer, left, right)
        gaps += own
    return gaps, suspect


def _inner_dropout_gaps(pair: Pair, evaluated: Recording) -> dict[str, Gap]:
    """Rates of what drops inside a layer: equal, and off in what follows, for masks cannot be given to it."""
    sides = pair.ask_both("inner_dropouts")
    ours, theirs = ({facts["name"]: facts["rate"] for facts in side} for side in sides.values())
    gaps = {}
    for match in evaluated.matches:
        rates = ours.get(match.layer, 0.0), theirs.get(match.theirs["name"], 0.0) if match.theirs else 0.0
        if any(rates):
            same = rates[0] == rates[1]
            note = sentences.INNER_RATE.format(rate=f"{rates[0]:g}")
            if not same:
                note = sentences.INNER_RATES.format(ours=f"{rates[0]:g}", theirs=f"{rates[1]:g}")
            verdict = PASS if same else FAIL
            gaps[match.layer] = fact(f"{match.layer}{DROPOUT_INSIDE}", (), verdict=verdict, note=note)
    return gaps


def _scale_gap(
    what: str, left: Mapping[str, Any], right: Mapping[str, Any], rounded: Mapping[str, Any]
) -> Gap:
    """What training ("scale") or evaluation makes of 1; paddle's rate may be rounded."""
    name = f"{left['name']} ({what} of 1)"
    gap = compare(name, np.array([left[what]]), np.array([right[what]]))
    if gap.passed:
        return gap
    again = compare(name, np.array([rounded[what]]), np.array([right[what]]))
    return excuse(gap, again, **known_roundings.together([RATE]))


def _dropout_suspect(bad: Gap, layer: str, left: Mapping[str, Any], right: Mapping[str, Any]) -> Suspect:
    path = (
        f"torch drops at rate {left['rate']:g}, makes {left['scale']:g} of 1 in training and "
        f"{left['evaluation']:g} in evaluation; paddle {right['rate']:g}, {right['scale']:g} and "
        f"{right['evaluation']:g}"
    )
    return Suspect(layer=layer, relative_l2=bad.relative_l2, path=path, base="Dropout")


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
    return fact(f"{layer} (what is dropped)", (), verdict=PASS if same else FAIL, note=note)


def _write_masks(pair: Pair, evaluated: Recording) -> None:
    """Masks drawn once, at torch's rate, for every call of a dropout layer that both sides have.

    Calls of one layer on tensors of one shape have one mask. Where one side drops whole channels and the
    other numbers, both are given channels: what follows can still be compared.
    """
    ours, theirs = ({facts["name"]: facts for facts in side} for side in pair.ask_both("dropouts").values())
    numbers: dict[str, int] = {}
    folders = pair.folder("masks-torch"), pair.folder("masks-paddle")
    for match in evaluated.matches:
        if not (match.both and match.theirs and match.layer in ours and match.theirs["name"] in theirs):
            continue
        sides = ours[match.layer], theirs[match.theirs["name"]]
        shape = evaluated.folders["torch"].load(TensorName.of_layer(match.name, "input0")).shape
        drawn = shape
        if any(side["channelwise"] for side in sides):
            drawn = (*shape[:2], *(1 for _ in shape[2:]))
        rng = np.random.default_rng((pair.subject.seed, numbers.setdefault(match.layer, len(numbers))))
        mask = (rng.random(drawn) >= sides[0]["rate"]).astype(np.uint8)
        for folder, side, call in zip(folders, sides, (match.name, match.theirs["call"]), strict=True):
            folder.add(call, mask if side["channelwise"] else np.array(np.broadcast_to(mask, shape)))


def _draws_fact(draws: Mapping[str, list[int]]) -> list[Gap]:
    """A line on numbers that were drawn outside of dropout's layers, if both sides drew alike."""
    ours, theirs = draws.values()
    if not ours or ours != theirs:
        return []
    note = sentences.DRAWS.format(count=len(ours), all=f"{sum(ours):,}")
    return [fact(RANDOM_NUMBERS, (), verdict=PASS, note=note)]


def _other_draws(draws: Mapping[str, list[int]]) -> list[str]:
    """Causes where random numbers play a part that no layer of dropout's has."""
    ours, theirs = draws.values()
    if ours != theirs:
        return [f"random numbers: torch draws {_sizes(ours)}, paddle {_sizes(theirs)}"]
    if ours:
        return [
            "the rate or the scale of what is drawn by functions (dropout, stochastic depth), or another use "
            "of equal random numbers, as rand < keep against rand + keep"
        ]
    return []


def _sizes(draws: list[int]) -> str:
    more = f" and {len(draws) - MOST_DRAWS} more" if len(draws) > MOST_DRAWS else ""
    return (", ".join(map(str, draws[:MOST_DRAWS])) or "none") + more


def _randomness(verdicts: Verdicts) -> list[str]:
    """Hint where a side is random though it was given its random numbers."""
    if not verdicts.random:
        return []
    return [
        f"random numbers that cannot be given to both ({' and '.join(verdicts.random)}): draw them with a "
        "layer of dropout's, or with rand, bernoulli, uniform or normal"
    ]


def _power_iterations(pair: Pair, suspect: Suspect | None) -> list[str]:
    """Causes where the layer's weight is normalised by vectors that training moves."""
    layers = {e["layer"] for e in pair.described["torch"]["buffers"] if e["name"].endswith("weight_u")}
    if suspect is None or suspect.layer not in layers:
        return []
    return [
        "spectral normalisation: the number of power iterations, or its axis",
    ]


def _statistics_suspect(pair: Pair, gap: Gap) -> Suspect:
    entry = next(e for e in pair.described["torch"]["buffers"] if e["name"] == gap.name)
    path = sentences.AFTER_ONE_STEP.format(name=gap.name, gap=f"{gap.relative_l2:.1e}")
    return Suspect(layer=entry["layer"], relative_l2=gap.relative_l2, path=path, base=entry["type"])


def _without_difference(pair: Pair, verdicts: Verdicts, gap: Gap) -> Gap:
    """The gap of a running variance, passed if the frameworks' two rules explain it to the last digit."""
    if gap.verdict != FAIL or not gap.name.endswith("running_var") or pair.subject.framework:
        return gap
    recording, file = verdicts.recording, TensorName.of_buffer(gap.name)
    entry = next(e for e in pair.described["torch"]["buffers"] if e["name"] == gap.name)
    calls = [call["call"] for call in recording.calls["torch"] if call["name"] == entry["layer"]]
    left = biased_running_variance(
        TensorFolder(pair.path("weights")).load(file).astype(np.float64),
        [verdicts.reference.load(TensorName.of_layer(call, "input0")) for call in calls],
        ours=verdicts.reference.load(file),
        theirs=recording.folders["paddle"].load(file),
    )
    if left is None or left > TOLERANCE * 10:
        return gap
    return as_difference(gap, difference=RUNNING_VARIANCE, left=left)
