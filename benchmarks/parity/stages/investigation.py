"""From a recording to its verdicts: asks for further runs of torch's where something differs."""

from collections.abc import Sequence
from dataclasses import replace

from benchmarks.parity.judge import judge
from benchmarks.parity.judge.verdicts import Verdicts
from benchmarks.parity.sides.pair import Pair
from benchmarks.parity.sides.recording import Alone, Recording
from benchmarks.parity.tensors import known_roundings
from benchmarks.parity.tensors.tensor_folder import TensorFolder
from benchmarks.parity.tensors.tensor_name import BUFFERS, GRADIENTS


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
    """Repeat torch's run with the rounded constants that its functions can have, until both sides agree.

    If no attempt gets there, the first of those that leave least counts.
    """
    best, recorded = verdicts, verdicts
    for keys in pair.attempts(verdicts.recording.roundings):
        if all(name.kind == BUFFERS for name in best.failed()) and best is not verdicts:
            break  # nothing is left, or statistics alone, on which no other rounding acts
        start = best if known_roundings.adds_to_others(keys) else verdicts
        suspects = judge.suspects_of(start, keys)
        if suspects:
            recorded = judge.excuse_roundings(
                start, suspects, rounded=_record_rounded(pair, start, keys), keys=keys
            )
            if best is verdicts or len(recorded.failed()) < len(best.failed()):
                best = recorded
    if best is not recorded:  # what was recorded last is another attempt's
        _record_rounded(pair, best, best.reproduced)
    return best


def _record_rounded(pair: Pair, verdicts: Verdicts, keys: Sequence[str]) -> TensorFolder:
    wanted = [*verdicts.failed(), *judge.reproduced_of(verdicts)]
    return pair.record_again(verdicts.recording, "rounded", suspects=wanted, rounding=list(keys))


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
    return pair.isolate(verdicts.recording, source=verdicts.reference, rounding=verdicts.reproduced)
