"""From a recording to its verdicts: asks for further runs of torch's where something differs."""

from dataclasses import replace

from benchmarks.parity.judge import judge
from benchmarks.parity.judge.verdicts import Verdicts
from benchmarks.parity.sides.pair import Pair
from benchmarks.parity.sides.recording import Alone, Recording
from benchmarks.parity.tensors import known_roundings
from benchmarks.parity.tensors.tensor_name import GRADIENTS


def investigate(pair: Pair, recording: Recording) -> Verdicts:
    """Compare everything; excuse known roundings, mere noise, and layers that reach no result.

    Each further run is asked for only if something is left to be explained.
    """
    verdicts = judge.compare_all(recording)
    _discard_equal_gradients(verdicts)
    verdicts = _reproduce_roundings(pair, verdicts)
    verdicts = _measure_noise(pair, verdicts)
    return judge.clear_harmless(verdicts)


def _discard_equal_gradients(verdicts: Verdicts) -> None:
    """Delete paddle's gradients that passed: they are large, and nothing asks for them again."""
    files = verdicts.recording.files()
    for name, gap in verdicts.of_kind(GRADIENTS).items():
        if gap.passed:
            verdicts.recording.folders["paddle"].discard(files[name])


def _reproduce_roundings(pair: Pair, verdicts: Verdicts) -> Verdicts:
    """Repeat torch's run with every rounded constant that these layers and the loss can have."""
    recording = verdicts.recording
    for keys in known_roundings.attempts(recording.roundings):
        suspects = judge.suspects_of(verdicts, keys)
        if suspects:
            wanted = [*suspects, *judge.reproduced_of(verdicts)]
            rounded = pair.record_again(recording, "rounded", suspects=wanted, rounding=keys)
            verdicts = judge.excuse_roundings(verdicts, suspects, rounded=rounded, keys=keys)
    return verdicts


def _measure_noise(pair: Pair, verdicts: Verdicts) -> Verdicts:
    """Move the images by one unit in the last place, to see how far torch's own tensors move."""
    suspects, recording = verdicts.failed(), verdicts.recording
    if not suspects:
        return verdicts
    changed = pair.repeat(recording, partial=True)
    random = [name for name, different in changed.items() if different]
    if random:  # what is drawn anew would pass for noise
        return replace(verdicts, random=random)
    moved = pair.record_again(
        recording, "moved", suspects=suspects, moved=True, rounding=list(verdicts.reproduced)
    )
    verdicts = judge.excuse_noise(verdicts, suspects, moved=moved)
    moved.clear()
    return verdicts


def run_alone(pair: Pair, verdicts: Verdicts) -> Alone:
    """Run every layer by itself, on the inputs of the run that paddle's tensors were compared with."""
    rounding = verdicts.recording.roundings if verdicts.is_reproduced else ()
    return pair.isolate(verdicts.recording, source=verdicts.reference, rounding=rounding)
