"""The checker checked: planted faults are found where they lie, innocent differences pass.

Each pair goes through what `--torch` and `--paddle` ask for, in two workers that live for all of them.
"""

import pytest

from benchmarks.manager.worker_process import Worker
from benchmarks.parity.comparison import CANNOT_COMPARE, GATE, ORDER, Plan, run_parity
from benchmarks.parity.judge.gap import SPREAD
from benchmarks.request.model_pair import ModelPair
from tests.pairs import faults, innocents
from tests.support.paths import ROOT


@pytest.fixture(scope="session")
def workers(torch_backend, paddle_backend, tmp_path_factory):
    scratch = tmp_path_factory.mktemp("pairs")
    settings = {"scratch": scratch, "threads": 1, "timeout": 60}
    with Worker("torch", **settings) as ours, Worker("paddle", **settings) as theirs:
        yield ours, theirs


@pytest.fixture
def compare(workers, tmp_path):
    def run(name, pair, **options):
        sides = {side: f"tests.pairs.catalogue:{side}.{name}" for side in ("torch", "paddle")}
        plugins = {
            side: {role: f"tests.pairs.parts:{side}.{_part(role, name)}" for role in pair.own}
            for side in sides
        }
        subject = ModelPair(
            num_classes=5,
            input_shape=(3, 12, 12),
            batch_size=4,
            sources=sides,
            plugins=plugins,
            names=pair.names,
            folder=str(ROOT),
        )
        return run_parity(
            *workers, subject=subject, scratch=tmp_path, plan=Plan(steps=pair.steps, **options), together=True
        )

    return run


def _part(role, name):
    return name if name.startswith(f"{role}_") else f"{role}_"


def up_to(stage):
    """The stages before this one must pass, and it must fail; the ones behind it have nothing to add."""
    return ORDER[: ORDER.index(stage) + 1] if stage in ORDER else ORDER


@pytest.mark.parametrize("name", faults.PAIRS)
def test_a_planted_fault_is_found_and_named(compare, name):
    pair = faults.PAIRS[name]
    report = compare(name, pair, stages=up_to(pair.stage), optimizers=("adam",))
    if pair.stage == CANNOT_COMPARE:
        assert report["verdict"] == CANNOT_COMPARE
        first = report["pairing"]["first"]
        assert (first["torch"] or first["paddle"]).rpartition(".")[0] in pair.layers
        return
    assert report["verdict"] == "fail"
    first = report["first_divergence"]
    assert first["stage"] == pair.stage, first
    if pair.layers:
        assert first["layer"] in pair.layers, first
    assert pair.tensor in (None, first["name"])
    assert first["likely_causes"]


@pytest.mark.parametrize("name", innocents.PAIRS)
def test_an_innocent_difference_passes(compare, name):
    report = compare(name, innocents.PAIRS[name], optimizers=("adam",))
    assert report["verdict"] == "pass", report["first_divergence"]


def test_randomness_does_not_pass_the_gate_as_noise(compare):
    report = compare("dropout_in_evaluation", faults.PAIRS["dropout_in_evaluation"], stages=GATE)
    assert report["first_divergence"]["stage"] == "forward"


def test_randomness_does_not_pass_as_rounding_that_training_spreads(compare):
    """Masks that no one shares move torch's own training as far as paddle's is from it."""
    pair = faults.PAIRS["dropout_as_a_function"]
    report = compare("dropout_as_a_function", pair, stages=("train-mode", "training"))
    stage = next(stage for stage in report["stages"] if stage["stage"] == "training")
    assert stage["verdict"] == "fail"
    assert all(tensor["noise"] is None for tensor in stage["tensors"])


def test_what_training_makes_of_rounding_is_measured(compare):
    """A bias before a normalisation moves as far by one unit in the last place as the two sides are apart."""
    pair = innocents.PAIRS["optimizer_cancelling"]
    report = compare("optimizer_cancelling", pair, stages=("train-mode", "training"))
    stage = next(stage for stage in report["stages"] if stage["stage"] == "training")
    (bias,) = [tensor for tensor in stage["tensors"] if tensor["noise"] is not None]
    assert bias["name"] == "own: conv1.bias"
    assert stage["tolerance"] < 1e-4 < bias["relative_l2"] <= bias["tolerance"] == SPREAD * bias["noise"]
    assert stage["verdict"] == "pass"


def test_flipped_decisions_are_counted_and_explain_what_float32_cannot_tell(compare):
    report = compare("data_near_tie", innocents.PAIRS["data_near_tie"], stages=("float32",))
    stage = next(stage for stage in report["stages"] if stage["stage"] == "float32")
    weight = next(tensor for tensor in stage["tensors"] if tensor["name"] == "conv1.weight")
    assert weight["relative_l2"] > 0.1
    assert weight["verdict"] == "pass"
    assert "explained by flips" in weight["note"]
    assert weight["reproduced_relative_l2"] < 1e-6
    for side in ("torch", "paddle"):
        (pool,) = stage["flips"][side]
        assert (pool["call"], pool["flipped"], pool["decisions"]) == ("pool1", 4 * 2 * 36, 4 * 2 * 36)
        assert 0 < pool["margins"][0] < 1e-8


def test_dropout_as_a_function_is_reported_as_such(compare):
    """No mask can be given to it: torch's and paddle's own differ, and that is no fault of either."""
    report = compare("dropout_as_a_function", faults.PAIRS["dropout_as_a_function"])
    assert report["first_divergence"]["likely_causes"] == [
        "random numbers outside of dropout layers (torch and paddle): give each a layer, "
        "nn.Dropout instead of functional.dropout, so that masks can be given to both"
    ]


def test_flips_explain_bfloat16_too_and_the_side_without_it_is_reported(compare):
    report = compare("equal_small", innocents.PAIRS["equal_small"], stages=("bfloat16",))
    stage = next(stage for stage in report["stages"] if stage["stage"] == "bfloat16")
    assert stage["verdict"] == "pass"
    assert "in float32" in stage["unsupported"]["paddle"]
    logits = next(entry for entry in stage["distances"] if entry["name"] == "forward/logits")
    assert 1e-4 < logits["torch"] < stage["tolerance"]  # it did compute in bfloat16
    assert "paddle" not in logits


def test_another_rule_of_paddles_is_proven_and_a_wrong_epsilon_is_no_such_rule(compare):
    """RMSProp's epsilon is inside the root on paddle; 1e-6 against 1e-8 is a fault all the same."""
    causes = {}
    for name in ("rmsprop_epsilon_inside_the_root", "rmsprop_by_default", "adamax_epsilon"):
        pair = faults.PAIRS[f"optimizer_{name}"]
        report = compare(f"optimizer_{name}", pair, stages=("optimizer",))
        causes[name] = " ".join(report["first_divergence"]["likely_causes"])
    assert "epsilon inside the root" in causes["rmsprop_epsilon_inside_the_root"]
    assert "a true difference between the frameworks" in causes["rmsprop_epsilon_inside_the_root"]
    assert "a true difference between the frameworks" in causes["adamax_epsilon"]
    assert "a true difference" not in causes["rmsprop_by_default"]


def test_what_one_optimizer_alone_keeps_is_listed(compare):
    report = compare("optimizer_rmsprop", innocents.PAIRS["optimizer_rmsprop"], stages=("optimizer",))
    stage = next(stage for stage in report["stages"] if stage["stage"] == "optimizer")
    assert stage["kept_by_one_side"] == {"own": {"torch": ["step"], "paddle": ["grad_avg", "momentum"]}}
    assert {tensor["name"].rpartition("/")[2] for tensor in stage["tensors"] if "/" in tensor["name"]} == {
        "square_avg"
    }
