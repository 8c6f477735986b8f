"""The judge, given recordings alone: no worker, no framework."""

import numpy as np
import pytest

from benchmarks.parity.judge import judge
from benchmarks.parity.judge.gap import FAIL, KNOWN, PASS
from benchmarks.parity.judge.localization import blame_forward
from benchmarks.parity.sides.alignment import Match
from benchmarks.parity.sides.pairing import Pairing
from benchmarks.parity.sides.recording import Alone, Recording
from benchmarks.parity.tensors.tensor_folder import TensorFolder
from benchmarks.parity.tensors.tensor_name import LOGITS, LOGITS_GRADIENT, LOSS, TensorName
from common.weights.link import Link

HIDDEN, LAST = (TensorName.of_layer(name, "output") for name in ("hidden", "last"))
WEIGHT = TensorName.of_gradient("hidden.weight")
EXACT = np.linspace(1.0, 2.0, 8)


@pytest.fixture
def record(tmp_path):
    """(changed paddle tensors by name) -> a recording of two layers, equal but for these."""

    def make(**theirs):
        names = [HIDDEN, LAST, LOGITS, LOGITS_GRADIENT, LOSS, WEIGHT]
        names += [TensorName.of_layer(name, "input0") for name in ("hidden", "last")]
        folders = {side: TensorFolder(tmp_path / side) for side in ("torch", "paddle")}
        for folder in folders.values():
            folder.fill((name, EXACT) for name in names)
        folders["paddle"].fill(theirs.items())
        calls = [{"call": n, "name": n, "base": "Linear", "inputs": 1} for n in ("hidden", "last")]
        return Recording(
            label="eval",
            training=False,
            masks=None,
            folders=folders,
            calls={"torch": calls, "paddle": calls},
            matches=[Match(ours=call, theirs=call) for call in calls],
            pairing=Pairing(
                links=(Link(ours={"hidden.weight": (8,)}, theirs={"hidden.weight": (8,)}),),
                buffers={},
                layers={},
                method="by name",
            ),
            roundings=[],
        )

    return make


@pytest.fixture
def folder(tmp_path):
    """(tensors by name) -> torch's run once more."""

    def make(**tensors):
        again = TensorFolder(tmp_path / "again")
        again.fill(tensors.items())
        return again

    return make


def test_equal_recordings_pass_and_one_wrong_number_does_not(record):
    assert judge.compare_all(record()).failed() == []
    wrong = EXACT.copy()
    wrong[3] += 1e-9
    assert judge.compare_all(record(**{LOGITS: wrong})).failed() == [LOGITS]


def test_a_tensor_that_one_side_lacks_fails(record):
    recording = record()
    recording.folders["paddle"].discard(WEIGHT)
    verdicts = judge.compare_all(recording)
    assert verdicts.failed() == [WEIGHT]
    assert verdicts.gaps[WEIGHT].note == "paddle computes none"


def test_a_known_rounding_excuses_only_what_it_reproduces(record, folder):
    rounded = EXACT * (1 + 1e-8)
    verdicts = judge.compare_all(record(**{LOGITS: rounded, LOSS: EXACT * (1 + 3e-8)}))
    again = folder(**{LOGITS: rounded, LOSS: rounded})
    keys = ["norm-epsilon"]
    excused = judge.excuse_roundings(verdicts, verdicts.failed(), rounded=again, keys=keys)
    assert excused.gaps[LOGITS].verdict == KNOWN
    assert excused.gaps[LOSS].verdict == FAIL
    assert excused.is_reproduced
    assert verdicts.gaps[LOGITS].verdict == FAIL  # what went in is as it was


def test_noise_excuses_only_what_moves_as_far_by_itself(record, folder):
    verdicts = judge.compare_all(record(**{LOGITS: EXACT * (1 + 1e-11), LOSS: EXACT * (1 + 1e-9)}))
    moved = folder(**{LOGITS: EXACT * (1 + 1e-12), LOSS: EXACT * (1 + 1e-12)})
    excused = judge.excuse_noise(verdicts, verdicts.failed(), moved=moved)
    assert [excused.gaps[name].verdict for name in (LOGITS, LOSS)] == [PASS, FAIL]


def test_a_layer_is_harmless_only_if_no_result_differs(record):
    harmless = judge.clear_harmless(judge.compare_all(record(**{HIDDEN: EXACT * 2})))
    assert harmless.failed() == []
    assert harmless.gaps[HIDDEN].note == judge.NO_EFFECT
    guilty = judge.clear_harmless(judge.compare_all(record(**{HIDDEN: EXACT * 2, LOGITS: EXACT * 2})))
    assert guilty.failed() == [HIDDEN, LOGITS]


def test_a_layer_with_not_a_number_is_never_harmless(record):
    spoilt = EXACT.copy()
    spoilt[3] = np.nan
    judged = judge.clear_harmless(judge.compare_all(record(**{HIDDEN: spoilt})))
    assert judged.failed() == [HIDDEN]
    spoilt[3] = -np.inf
    assert judge.clear_harmless(judge.compare_all(record(**{HIDDEN: spoilt}))).failed() == []


def test_the_layer_that_departs_alone_is_blamed(record, tmp_path):
    theirs = {HIDDEN: EXACT * 2, TensorName.of_layer("last", "input0"): EXACT * 2}
    verdicts = judge.compare_all(record(**theirs, **{LAST: EXACT * 2, LOGITS: EXACT * 2}))
    folders = {side: TensorFolder(tmp_path / f"alone-{side}") for side in ("torch", "paddle")}
    for side, folder in folders.items():
        folder.add("hidden/output", EXACT * (2 if side == "paddle" else 1))
        folder.add("last/output", EXACT)
    suspect = blame_forward(verdicts, Alone(folders=folders, failures={}))
    assert suspect is not None
    assert suspect.layer == "hidden"
