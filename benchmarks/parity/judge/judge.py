"""The verdict on every tensor of a run: known roundings and mere noise excused."""

from dataclasses import replace

from benchmarks.parity.sides.recording import Recording
from benchmarks.parity.tensors import known_roundings
from benchmarks.parity.tensors.gaps import (
    FAIL,
    KNOWN,
    PASS,
    Gap,
    allow_noise,
    compare,
    distance,
    excuse,
    missing,
)
from benchmarks.parity.tensors.tensor_folder import TensorFolder

NO_EFFECT = "differs, and the difference reaches neither an output nor a gradient"


def judge(recorded: Recording) -> None:
    """Compare everything; excuse known roundings and mere noise; clear what reaches no result."""
    for ours, theirs in recorded.files().items():
        recorded.gaps[ours] = _compare(recorded, recorded.folders["torch"], ours, theirs)
        if ours.startswith("gradients/") and recorded.gaps[ours].passed:
            recorded.folders["paddle"].discard(theirs)  # large, and not needed any more
    _excuse_roundings(recorded)
    _allow_noise(recorded)
    if not any(gap.verdict == FAIL for name, gap in recorded.gaps.items() if not name.startswith("layers/")):
        for name, gap in recorded.gaps.items():
            if gap.verdict == FAIL:
                recorded.gaps[name] = replace(gap, verdict=PASS, note=NO_EFFECT)


def _excuse_roundings(recorded: Recording) -> None:
    """Repeat on torch's side with every rounded constant that these layers and the loss can have."""
    files = recorded.files()
    for keys in known_roundings.attempts(recorded.roundings):
        failed = [name for name, gap in recorded.gaps.items() if gap.verdict == FAIL]
        suspects = [
            name for name in failed if known_roundings.LOSS_LIMIT not in keys or not _is_forward(name)
        ]
        if not suspects:
            continue
        known = [name for name, gap in recorded.gaps.items() if gap.verdict == KNOWN]
        recorded.reproduced = keys
        recorded.reference = recorded.again("rounded", suspects + known, rounding=keys)
        constant, bound = known_roundings.constants(keys), known_roundings.bound(keys)
        for name in suspects:
            again = _compare(recorded, recorded.reference, name, files[name])
            recorded.gaps[name] = excuse(recorded.gaps[name], again, constant=constant, bound=bound)


def _allow_noise(recorded: Recording) -> None:
    """See how far torch's tensors move by themselves where the two still differ."""
    suspects = [name for name, gap in recorded.gaps.items() if gap.verdict == FAIL]
    if not suspects or not recorded.folders["torch"]:
        return
    recorded.random = _random(recorded)
    if recorded.random:
        return  # what is drawn anew would pass for noise
    moved = recorded.again("moved", suspects, moved=True, rounding=recorded.reproduced)
    for name in suspects:
        if name in moved and name in recorded.reference:
            movement, _ = distance(recorded.reference.load(name), moved.load(name))
            recorded.gaps[name] = allow_noise(recorded.gaps[name], moved=movement)
    moved.clear()


def _random(recorded: Recording) -> list[str]:
    """The sides that are not bit-identical to themselves."""
    if recorded.mode["training"]:
        recorded.pair.reload()  # statistics have moved
    again = recorded.pair.ask_both(
        "repeat", batch=recorded.pair.path("batch"), own=recorded.repeated, partial=True
    )
    return [name for name, different in again.items() if different]


def _compare(recorded: Recording, reference: TensorFolder, ours: str, theirs: str) -> Gap:
    paddle = recorded.folders["paddle"]
    if ours not in reference or theirs not in paddle:
        side = "paddle" if ours in reference else "torch"
        return missing(ours, note=f"{side} computes none")
    return compare(ours, reference.load(ours), paddle.load(theirs))


def _is_forward(name: str) -> bool:
    """True if a tensor is computed before the loss."""
    return name == "forward/logits" or name.endswith("/output") or name.startswith("buffers/")
