"""The checker checked: planted faults are found where they lie, innocent differences pass.

Each pair goes through what `--torch` and `--paddle` ask for, in two workers that live for all of them.
"""

import pytest

from benchmarks.parity.comparison import run_parity
from benchmarks.parity.judge.gap import SPREAD
from benchmarks.parity.plan import CANNOT_COMPARE, GATE, ORDER, Plan
from benchmarks.parity.stages.free_training import MOST_NOISE
from benchmarks.parity.text.stages import stage_lines
from benchmarks.request.model_pair import ModelPair
from common.input_spec import InputSpec
from tests.pairs import differences, faults, innocents, modern, outputs, pairing, randomness, roundings
from tests.support.paths import ROOT

FAULTS, INNOCENTS = faults.PAIRS | outputs.FAULTS, innocents.PAIRS | outputs.INNOCENTS


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
            output=pair.output,
            inputs=tuple(map(InputSpec.parse, pair.inputs)),
        )
        return run_parity(
            *workers, subject=subject, scratch=tmp_path, plan=Plan(steps=pair.steps, **options), together=True
        )

    return run


def _part(role, name):
    return name if name.startswith(f"{role}_") else f"{role}_"


def up_to(stage):
    """The stages before this one must pass, and it must fail; the ones behind it have nothing to add.

    That each side repeats itself is what innocent pairs show, and those whose fault is that.
    """
    wanted = ORDER[: ORDER.index(stage) + 1] if stage in ORDER else ORDER
    return wanted if stage == "repeat" else tuple(name for name in wanted if name != "repeat")


@pytest.mark.parametrize("name", FAULTS)
def test_a_planted_fault_is_found_and_named(compare, name):
    pair = FAULTS[name]
    report = compare(name, pair, stages=up_to(pair.stage), optimizers=("adam",))
    if pair.stage == CANNOT_COMPARE:
        assert report["verdict"] == CANNOT_COMPARE
        first = report["pairing"]["first"]
        name = first["torch"] or first["paddle"]
        assert {name, name.rpartition(".")[0]} & {*pair.layers}
        return
    assert report["verdict"] == "fail"
    first = report["first_divergence"]
    assert first["stage"] == pair.stage, first
    if pair.layers:
        assert first["layer"] in pair.layers, first
    assert pair.tensor in (None, first["name"])
    assert first["likely_causes"]


# What these are about is settled in float64: lower precisions and free training would take minutes more.
LONGER = ("float32", "bfloat16", "training")
IN_FLOAT64 = tuple(stage for stage in ORDER if stage not in LONGER)
BRIEF = dict.fromkeys(pairing.INNOCENT | innocents.WHOLE_LAYERS | outputs.INNOCENTS, IN_FLOAT64)
BRIEF |= dict.fromkeys(roundings.INNOCENTS | modern.INNOCENT, (*GATE, "train-mode"))
BRIEF |= dict.fromkeys((n for n, p in pairing.INNOCENT.items() if not p.names), (*GATE, "train-mode"))
ABOUT_TRAINING = ("optimizer", "train-mode", "training")  # masks are drawn in train-mode
BRIEF |= dict.fromkeys(randomness.INNOCENT, ("train-mode", "training"))
BRIEF |= {name: ABOUT_TRAINING for name in INNOCENTS if name.startswith("optimizer_")}
BRIEF["spectral_norm_parametrized_averaged"] = (*GATE, "train-mode", "training")
BRIEF["vision_transformer"] = ORDER  # one of the networks that people have, in every stage


@pytest.mark.parametrize("name", INNOCENTS)
def test_an_innocent_difference_passes(compare, name):
    pair = INNOCENTS[name]
    stages = BRIEF.get(name, ORDER)
    report = compare(name, pair, optimizers=("adam",), stages=stages)
    assert report["verdict"] == "pass", report["first_divergence"]


def test_randomness_does_not_pass_the_gate_as_noise(compare):
    report = compare("dropout_in_evaluation", faults.PAIRS["dropout_in_evaluation"], stages=GATE)
    assert report["first_divergence"]["stage"] == "forward"


def test_randomness_does_not_pass_as_rounding_that_training_spreads(compare):
    """Masks that no one shares move torch's own training as far as paddle's is from it."""
    pair = faults.PAIRS["numbers_of_no_table"]
    report = compare("numbers_of_no_table", pair, stages=("train-mode", "training"))
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
    assert stage["tolerance"] < 1e-4 < bias["relative_l2"] <= bias["tolerance"]
    assert bias["tolerance"] == min(SPREAD * bias["noise"], MOST_NOISE)
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


def test_what_cannot_be_given_to_both_is_reported_as_such(compare):
    """Torch's own numbers and paddle's differ, and that is no fault of either."""
    report = compare("numbers_of_no_table", faults.PAIRS["numbers_of_no_table"], stages=("train-mode",))
    assert report["first_divergence"]["likely_causes"] == [
        "random numbers that cannot be given to both (torch and paddle): draw them with a layer of "
        "dropout's, or with rand, bernoulli, uniform or normal"
    ]


def test_equal_draws_are_told_and_unequal_ones_are_causes(compare):
    report = compare("stochastic_depth", randomness.INNOCENT["stochastic_depth"], stages=("train-mode",))
    text = "\n".join(stage_lines(report))
    assert (
        "random numbers outside of dropout's layers 1 draws of 4 numbers, which both sides were given" in text
    )
    name = "dropout_function_on_one_side"
    report = compare(name, randomness.FAULTS[name], stages=("train-mode",))
    assert report["first_divergence"]["likely_causes"][0] == "random numbers: torch draws 64, paddle none"


def test_flips_explain_bfloat16_too_and_the_side_without_it_is_reported(compare):
    report = compare("equal_small", innocents.PAIRS["equal_small"], stages=("bfloat16",))
    stage = next(stage for stage in report["stages"] if stage["stage"] == "bfloat16")
    assert stage["verdict"] == "pass"
    assert "in float32" in stage["unsupported"]["paddle"]
    logits = next(entry for entry in stage["distances"] if entry["name"] == "forward/logits")
    assert 1e-4 < logits["torch"] < stage["tolerance"]  # it did compute in bfloat16
    assert "paddle" not in logits


@pytest.mark.parametrize("name", differences.NAMES)
def test_a_rule_of_the_frameworks_is_a_known_difference_and_strictly_a_failure(compare, name):
    stages = {
        "running_variance": ("train-mode",),
        "spectral_norm_parametrized": ("train-mode", "training"),
        "losses_beyond_the_limit": GATE,
    }
    plan = {"stages": stages.get(name, ("optimizer", "training")), "optimizers": ("adam",)}
    report = compare(name, INNOCENTS[name], **plan)
    assert report["verdict"] == "pass", report["first_divergence"]
    assert tuple(known["difference"] for known in report["known_differences"]) == differences.NAMES[name]
    for known in report["known_differences"]:
        assert known["left"] < 1e-12
        assert known["relative_l2"] > 1e-9
    report = compare(name, INNOCENTS[name], strict=True, **plan)
    assert report["verdict"] == "fail"
    first, sentence = report["first_divergence"], report["known_differences"][0]["torch"]
    assert first["stage"] == report["known_differences"][0]["stage"]
    assert sentence in first["likely_causes"][0]


def test_what_a_rounding_explains_is_not_counted_to_a_rule(compare):
    name = "spectral_norm_parametrized_behind_rounding"
    report = compare(name, INNOCENTS[name], stages=("train-mode",))
    stage = next(stage for stage in report["stages"] if stage["stage"] == "train-mode")
    verdicts = {tensor["name"]: tensor["verdict"] for tensor in stage["tensors"]}
    assert (verdicts["first"], verdicts["conv1"]) == ("pass (known rounding)", "pass (known difference)")
    assert report["verdict"] == "pass"


def test_an_order_of_training_is_not_named_in_evaluation(compare):
    """Nothing is iterated there: a constant of a pool behind it is a rounding, strictly too."""
    name = "spectral_norm_parametrized_averaged"
    report = compare(name, INNOCENTS[name], stages=(*GATE, "train-mode"), strict=True)
    verdicts = {stage["stage"]: stage["verdict"] for stage in report["stages"]}
    assert verdicts["gradients"] == "pass (known rounding)"
    assert {known["stage"] for known in report["known_differences"]} == {"train-mode"}


def test_a_strict_failure_names_tensor_and_layer(compare):
    report = compare("running_variance", INNOCENTS["running_variance"], stages=("train-mode",), strict=True)
    first = report["first_divergence"]
    assert (first["name"], first["layer"]) == ("bn.running_var", "bn")


def test_equal_nan_passes_if_asked_for_and_only_at_equal_places(compare):
    pair = outputs.FAULTS["nan_in_both"]
    assert compare("nan_in_both", pair, stages=GATE)["verdict"] == "fail"
    stage = compare("nan_in_both", pair, stages=GATE, equal_nan=True)["stages"]
    logits = next(tensor for row in stage for tensor in row["tensors"] if tensor["name"] == "logits")
    assert logits["verdict"] == "pass"
    assert "torch has NaN in 5 of 20 numbers" in logits["note"]
    one_side = outputs.FAULTS["nan_in_torchs_logits"]
    report = compare("nan_in_torchs_logits", one_side, stages=GATE, equal_nan=True)
    assert report["verdict"] == "fail"


def test_nan_is_named_with_its_side_and_count(compare):
    report = compare("nan_in_torchs_logits", outputs.FAULTS["nan_in_torchs_logits"], stages=GATE)
    assert report["first_divergence"]["note"] == "torch has NaN in 5 of 20 numbers"
    assert report["first_divergence"]["tolerance_that_would_pass"] is None
    assert "NaN or infinity" in report["first_divergence"]["likely_causes"][0]


@pytest.mark.parametrize(
    ("name", "stage"),
    [("raises_on_paddle", "forward"), ("raises_in_training", "train-mode")],
)
def test_an_exception_is_a_row_with_its_place_and_loses_no_other(compare, name, stage):
    report = compare(name, outputs.FAULTS[name], optimizers=("adam",))
    rows = {row["stage"]: row for row in report["stages"]}
    assert rows[stage]["verdict"] == "error"
    assert rows[stage]["error"]["backend"] == "paddle"
    assert "tests/pairs/outputs.py:" in rows[stage]["error"]["place"]
    assert rows["optimizer"]["verdict"] == "pass"
    assert rows["parameters"]["verdict"] == "pass"


@pytest.mark.parametrize(
    ("name", "what"), [("unknown_constant", "0.67 of "), ("two_unknown_constants", "all numbers there")]
)
def test_a_constant_that_no_table_has_is_proposed(compare, name, what):
    """And excuses nothing; a scaling as small that no constant explains is not proposed."""
    report = compare(name, faults.PAIRS[name], stages=("forward",))
    proposal, *others = report["first_divergence"]["likely_causes"]
    assert report["verdict"] == "fail"
    assert proposal.startswith("a constant that paddle keeps in float32")
    assert what in proposal
    assert others
    report = compare("beside_elu", faults.PAIRS["beside_elu"], stages=("forward",))
    assert not any("a proposal" in cause for cause in report["first_divergence"]["likely_causes"])


@pytest.mark.parametrize("name", ["optimizer_rmsprop_by_default", "optimizer_rmsprop_epsilon_and_rho"])
def test_a_wrong_number_is_no_rule_of_the_frameworks(compare, name):
    report = compare(name, FAULTS[name], stages=("optimizer",))
    assert report["first_divergence"]["stage"] == "optimizer"
    assert report["known_differences"] == []


def test_what_one_optimizer_alone_keeps_is_listed(compare):
    report = compare("optimizer_rmsprop", innocents.PAIRS["optimizer_rmsprop"], stages=("optimizer",))
    stage = next(stage for stage in report["stages"] if stage["stage"] == "optimizer")
    assert stage["kept_by_one_side"] == {"own": {"torch": ["step"], "paddle": ["grad_avg", "momentum"]}}
    assert {tensor["name"].rpartition("/")[2] for tensor in stage["tensors"] if "/" in tensor["name"]} == {
        "square_avg"
    }
