"""Recordings in, verdicts out: compare all tensors, then excuse them one reason after the other."""

from collections.abc import Sequence
from dataclasses import replace

from benchmarks.parity.judge.gap import (
    DIFFERENCE,
    KNOWN,
    PASS,
    Gap,
    allow_noise,
    compare,
    excuse,
    fact,
    missing,
)
from benchmarks.parity.judge.verdicts import Verdicts
from benchmarks.parity.sides.recording import Recording
from benchmarks.parity.tensors import known_roundings
from benchmarks.parity.tensors.distance import distance, length
from benchmarks.parity.tensors.known_differences import LOSS_LIMIT
from benchmarks.parity.tensors.tensor_folder import TensorFolder
from benchmarks.parity.tensors.tensor_name import LAYERS, TensorName

NO_EFFECT = "differs, and the difference reaches neither an output nor a gradient"


def compare_all(recording: Recording) -> Verdicts:
    """Compare every tensor of both sides; nothing is excused yet."""
    reference = recording.folders["torch"]
    gaps = {ours: _compare(recording, reference, ours, theirs) for ours, theirs in recording.files().items()}
    return Verdicts(recording=recording, gaps=gaps, reference=reference)


def suspects_of(verdicts: Verdicts, keys: Sequence[str]) -> list[TensorName]:
    """The tensors that failed and that these known roundings may explain."""
    in_loss_only = LOSS_LIMIT in keys
    return [name for name in verdicts.failed() if not (in_loss_only and name.is_before_loss)]


def reproduced_of(verdicts: Verdicts) -> list[TensorName]:
    """The tensors that known roundings, or rules, explain already."""
    return [name for name, gap in verdicts.gaps.items() if gap.verdict in (KNOWN, DIFFERENCE)]


def excuse_roundings(
    verdicts: Verdicts, suspects: Sequence[TensorName], *, rounded: TensorFolder, keys: Sequence[str]
) -> Verdicts:
    """Excuse the suspects that agree with torch's run with these constants rounded as paddle's are."""
    known = known_roundings.together(keys)
    files = verdicts.recording.files()
    gaps = dict(verdicts.gaps)
    for name in suspects:
        again = _compare(verdicts.recording, rounded, name, files[name])
        gaps[name] = excuse(gaps[name], again, **known)
    return replace(verdicts, gaps=gaps, reference=rounded, reproduced=keys)


def excuse_noise(verdicts: Verdicts, suspects: Sequence[TensorName], *, moved: TensorFolder) -> Verdicts:
    """Excuse the suspects that torch's run on images moved by one unit in the last place moves as far."""
    gaps, longest = dict(verdicts.gaps), _longest_by_kind(verdicts, suspects)
    for name in suspects:
        if name in moved and name in verdicts.reference:
            own = verdicts.reference.load(name)
            movement, _ = distance(own, moved.load(name))
            share = length(own) / longest[name.kind] if longest[name.kind] else 1.0
            gaps[name] = allow_noise(gaps[name], moved=movement, share=share)
    return replace(verdicts, gaps=gaps)


def _longest_by_kind(verdicts: Verdicts, suspects: Sequence[TensorName]) -> dict[str, float]:
    """Length of torch's longest tensor of each kind that the suspects are of."""
    kinds = {name.kind for name in suspects}
    longest = dict.fromkeys(kinds, 0.0)
    recorded = verdicts.recording.folders["torch"]
    for name in verdicts.gaps:
        if name.kind in kinds and name in recorded:
            longest[name.kind] = max(longest[name.kind], length(recorded.load(name)))
    return longest


def left_by(verdicts: Verdicts, tried: TensorFolder) -> float:
    """The largest gap of the tensors that failed, were torch's those that lie in ``tried``."""
    files = verdicts.recording.files()
    again = [_compare(verdicts.recording, tried, name, files[name]) for name in verdicts.failed()]
    return max((gap.relative_l2 for gap in again), default=0.0)


def clear_harmless(verdicts: Verdicts) -> Verdicts:
    """Pass the layers that differ where no result and no gradient of a parameter does.

    One that has NaN is never harmless; infinity may be, as a mask of attention.
    """
    failed = [name for name in verdicts.failed() if not verdicts.gaps[name].has_nan]
    if any(name.kind != LAYERS for name in failed):
        return verdicts
    harmless = {name: replace(verdicts.gaps[name], verdict=PASS, note=NO_EFFECT) for name in failed}
    return replace(verdicts, gaps={**verdicts.gaps, **harmless})


def _compare(recording: Recording, reference: TensorFolder, ours: TensorName, theirs: TensorName) -> Gap:
    paddle = recording.folders["paddle"]
    if ours not in reference or theirs not in paddle:
        side = "paddle" if ours in reference else "torch"
        lone = (
            reference.load(ours) if ours in reference else paddle.load(theirs) if theirs in paddle else None
        )
        if lone is not None and ours.is_gradient and not lone.any():
            return fact(ours, lone.shape, verdict=PASS, note=f"zeros, of which {side} computes none")
        return missing(ours, note=f"{side} computes none")
    return compare(ours, reference.load(ours), paddle.load(theirs), equal_nan=recording.equal_nan)
