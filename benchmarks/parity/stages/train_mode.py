"""Training mode: dropout, forward and backward with equal masks, and the statistics that are kept."""

from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np

from benchmarks.parity.judge.judge import judge
from benchmarks.parity.judge.localization import Suspect
from benchmarks.parity.sides.pair import Pair
from benchmarks.parity.sides.recording import Recording
from benchmarks.parity.stages.one_batch import named, result_stages
from benchmarks.parity.stages.stage import Stage
from benchmarks.parity.tensors import known_roundings
from benchmarks.parity.tensors.gaps import FAIL, PASS, TOLERANCE, Gap, compare, distance, excuse, fact
from benchmarks.parity.tensors.tensor_folder import TensorFolder

MASK_SIGMAS = 5  # by how many standard deviations a dropped share may stray from the rate


def train_mode_stage(pair: Pair, evaluated: Recording) -> Stage:
    """Dropout's rates and scales; with equal masks the same forward and backward; statistics after it."""
    gaps, suspect = _dropout_gaps(pair, evaluated)
    _write_masks(pair, evaluated)
    recorded = Recording(pair, training=True, masks=pair.path("masks"))
    judge(recorded)
    logits, loss, gradients = result_stages(recorded)
    statistics = [named(gap, name[8:]) for name, gap in recorded.gaps.items() if name.startswith("buffers/")]
    stage = Stage(name="train-mode", gaps=[*gaps, *logits.gaps, *loss.gaps, *gradients.gaps, *statistics])
    blamed = next((part for part in (logits, gradients) if part.suspect), None)
    failed = [gap for gap in statistics if gap.verdict == FAIL]
    if suspect is not None:
        stage.suspect = suspect
    elif blamed is not None:
        stage.suspect, stage.first = blamed.suspect, blamed.first
        stage.causes = _randomness(recorded)
    elif failed:
        stage.first = failed[0]
        stage.suspect = _statistics_suspect(pair, failed[0])
        stage.causes = _statistics_cause(recorded, failed)
    recorded.close()
    return stage


def _dropout_gaps(pair: Pair, evaluated: Recording) -> tuple[list[Gap], Suspect | None]:
    ours, theirs = ({facts["name"]: facts for facts in told} for told in pair.ask_both("dropouts").values())
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
                    again = pair.ask("torch", "dropouts", rounding=["dropout-scale"])
                    rounded = {facts["name"]: facts for facts in again}
                again_gap = compare(name, np.array([rounded[match.layer][what]]), np.array([right[what]]))
                keys = ["dropout-scale"]
                gap = excuse(
                    gap,
                    again_gap,
                    constant=known_roundings.constants(keys),
                    bound=known_roundings.bound(keys),
                )
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
    return fact(f"{layer} (what is dropped)", (), verdict=PASS if same else FAIL, note=note)


def _write_masks(pair: Pair, evaluated: Recording) -> None:
    """Masks drawn once, at torch's rate, for every dropout layer that both sides have."""
    facts = {entry["name"]: entry for entry in pair.ask("torch", "dropouts")}
    ours, theirs = pair.folder("masks-torch"), pair.folder("masks-paddle")
    for number, match in enumerate(evaluated.matches):
        if match.both and match.layer in facts and match.theirs:
            shape = evaluated.folders["torch"].load(f"layers/{match.name}/input0").shape
            if facts[match.layer]["channelwise"]:
                shape = (*shape[:2], *(1 for _ in shape[2:]))
            rng = np.random.default_rng((pair.subject.seed, number))
            mask = (rng.random(shape) >= facts[match.layer]["rate"]).astype(np.uint8)
            ours.add(match.layer, mask)
            theirs.add(match.theirs["name"], mask)


def _randomness(recorded: Recording) -> list[str]:
    """Hint where a side is random beside its dropout layers."""
    if not recorded.random:
        return []
    return [
        f"random numbers outside of dropout layers ({' and '.join(recorded.random)}): give each a layer, "
        "nn.Dropout instead of functional.dropout, so that masks can be given to both"
    ]


def _statistics_suspect(pair: Pair, gap: Gap) -> Suspect:
    entry = next(e for e in pair.described["torch"]["buffers"] if e["name"] == gap.name)
    path = f"{gap.name} departs by {gap.relative_l2:.1e} after one step in training mode"
    return Suspect(layer=entry["layer"], relative_l2=gap.relative_l2, path=path, base=entry["type"])


def _statistics_cause(recorded: Recording, failed: Sequence[Gap]) -> list[str]:
    """True if the frameworks' own difference, the biased variance, explains it to the last digit."""
    pair, name = recorded.pair, failed[0].name
    if not all(gap.name.endswith("running_var") for gap in failed):
        return []
    entry = next(e for e in pair.described["torch"]["buffers"] if e["name"] == name)
    call = next(call for call in recorded.calls["torch"] if call["name"] == entry["layer"])
    x = recorded.folders["torch"].load(f"layers/{call['call']}/input0")
    count = x.size // x.shape[1]
    before = TensorFolder(pair.path("weights")).load(f"buffers/{name}").astype(np.float64)
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
