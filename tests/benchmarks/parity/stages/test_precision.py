"""A side whose layers refuse mixed precision is unsupported; in float32 that is a failure."""

from dataclasses import replace

import pytest

from benchmarks.manager.worker_process import WorkerFailure
from benchmarks.parity.judge.gap import FAIL, PASS, Gap
from benchmarks.parity.stages import flips, precision
from benchmarks.parity.stages.tolerances import PRECISIONS


class Pair:
    """Notes in which precision it was opened again."""

    def __init__(self):
        self.reopened = []

    def reopen(self, *, precision):
        self.reopened.append(precision)


@pytest.fixture
def refusing(monkeypatch):
    """Torch's worker cannot run; returns what it should say, to be altered."""
    failure = WorkerFailure("torch", "crashed", "no LSTM in bfloat16", details={"layer": "lstm"})

    def run(pair, exact, asked, sides):
        if "torch" in sides:
            raise failure
        return [*sides]

    monkeypatch.setattr(precision, "_run", run)
    return failure


def test_a_refusal_makes_a_side_unsupported_and_the_other_is_described(refusing):
    pair, sides, unsupported = Pair(), ["torch", "paddle"], {}
    assert precision._run_able(pair, None, PRECISIONS["bf16"], sides, unsupported) == ["paddle"]
    assert unsupported == {"torch": "no LSTM in bfloat16"}
    assert (sides, pair.reopened) == (["paddle"], ["fp64"])


def test_where_both_are_unsupported_nothing_is_described(refusing):
    assert precision._run_able(Pair(), None, PRECISIONS["bf16"], ["torch"], {}) == []


@pytest.mark.parametrize(("name", "gone"), [("fp32", False), ("bf16", True)])
def test_a_failure_in_float32_and_a_worker_that_is_gone_are_no_refusals(refusing, name, gone):
    refusing.is_gone = gone
    with pytest.raises(WorkerFailure):
        precision._run_able(Pair(), None, PRECISIONS[name], ["torch", "paddle"], {})


@pytest.mark.parametrize("name", ["fp32", "bf16"])
@pytest.mark.parametrize("movement", [float("inf"), float("nan")])
def test_a_movement_that_is_not_finite_allows_no_more_than_the_tolerance(name, movement):
    assert flips._allowance(movement, PRECISIONS[name]) == PRECISIONS[name].tolerance


def test_not_a_number_is_never_ill_conditioned():
    infinite = float("inf")
    gap = Gap(name="weight", shape=(2,), relative_l2=infinite, max_abs=infinite, tolerance=0.2, verdict=FAIL)
    assert flips._ill_conditioned(gap, {"weight": 1e6}).verdict == FAIL
    assert flips._ill_conditioned(replace(gap, relative_l2=1e5), {"weight": 1e6}).verdict == PASS
