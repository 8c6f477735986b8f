"""Two versions of one framework: equal ones agree bit by bit, and nothing excuses what differs."""

import subprocess
import sys

import pytest

from benchmarks.parity import versions
from benchmarks.parity.__main__ import main
from benchmarks.parity.against import stages_of
from benchmarks.parity.comparison import run_parity
from benchmarks.parity.plan import Plan
from benchmarks.request.model_pair import ModelPair
from common.cli import UnavailableError, UsageError
from tests.support.paths import ROOT
from tests.support.sides import LocalSide, altered

STAGES = stages_of(("train-mode",))


@pytest.fixture
def compared(backend, tmp_path):
    """Both sides in this process: "sound" here, and there what is named."""
    name = backend.__name__.rpartition(".")[2]

    def run(there, *, framework=name, stages=STAGES, **functions):
        source = f"tests.pairs.versions:{name}"
        subject = ModelPair(
            framework=framework,
            sources={"torch": f"{source}.sound", "paddle": f"{source}.{there}"},
            num_classes=5,
            input_shape=(3, 8, 8),
        )
        sides = LocalSide(name, backend), LocalSide(name, altered(backend, **functions))
        plan = Plan(stages=stages, optimizers=("adam",))
        return run_parity(*sides, subject=subject, scratch=tmp_path, plan=plan)

    return run


def worst(report):
    """The largest distance; the share that dropout drops is counted, by chance."""
    tensors = [tensor for stage in report["stages"] for tensor in stage["tensors"]]
    return max(tensor["relative_l2"] for tensor in tensors if "share dropped" not in tensor["name"])


def test_the_same_version_agrees_bit_by_bit_in_every_stage(compared):
    report = compared("sound", stages=stages_of(()))
    assert report["verdict"] == "pass"
    assert worst(report) == 0
    names = [stage["stage"] for stage in report["stages"]]
    assert names == ["parameters", "weights", "repeat", "forward", "loss", "gradients", *names[6:]]
    assert names[6:] == ["optimizer", "train-mode", "training"]


def test_another_epsilon_is_found_at_its_layer_and_line(compared):
    report = compared("epsilon")
    first = report["first_divergence"]
    assert (first["stage"], first["layer"]) == ("forward", "1")
    assert all("tests/pairs/words.py:" in found["place"] for (found,) in first["lines"].values())


ONLY_TORCH = pytest.mark.parametrize("backend", ["torch"], indirect=True)  # paddle does so by itself


@ONLY_TORCH
def test_no_known_rounding_excuses_a_version(compared):
    """Between the frameworks it would: the control has the same two networks, as of two frameworks."""
    report = compared("slope")
    assert report["first_divergence"]["stage"] == "forward"
    verdicts = [stage["verdict"] for stage in compared("slope", framework="")["stages"]]
    assert "pass (known rounding)" in verdicts


@ONLY_TORCH
def test_no_known_difference_excuses_a_version(compared):
    report = compared("variance")
    assert report["first_divergence"]["name"] == "1.running_var"
    assert report["known_differences"] == []


def test_weights_that_are_not_read_are_found(compared):
    report = compared("sound", load_weights=lambda model, path: None)
    first = report["first_divergence"]
    assert (first["stage"], first["layer"]) == ("weights", "0")
    assert first["name"] == "written by torch, read by paddle: 0.bias"


def test_a_file_that_the_other_version_cannot_read_fails_the_stage(compared):
    def load_weights(model, path):
        raise ValueError("an unknown format")

    report = compared("sound", load_weights=load_weights)
    assert report["first_divergence"]["stage"] == "weights"
    assert "an unknown format" in report["first_divergence"]["note"]
    assert [stage["verdict"] for stage in report["stages"] if stage["stage"] == "forward"] == ["pass"]


def test_reports_call_the_sides_this_version_and_the_other():
    subject = ModelPair(model="lenet5", framework="paddle", num_classes=10, input_shape=(3, 32, 32))
    said = versions.worded(
        {
            "path": "torch's 4.weight does not fit paddle's, only torch runs paddle.nn there",
            "layer": "torch",
            "code": "import paddle",
        },
        subject.titles,
    )
    assert said["path"] == (
        "this version's 4.weight does not fit the other version's, only this version runs paddle.nn there"
    )
    assert (said["layer"], said["code"]) == ("torch", "import paddle")
    environment = {"backends": {"torch": {"paddle": "3.3.1"}, "paddle": {"paddle": "3.0.0"}}}
    report = {"environment": environment, "evidence": {"peak_memory_bytes": {"torch": 1, "paddle": 2}}}
    content = versions.as_json(report, subject, place="/other/bin/python")
    assert content["evidence"] == {"peak_memory_bytes": {"here": 1, "there": 2}}
    assert content["environment"]["backends"] == {"paddle": {"paddle": "3.3.1"}}
    assert content["environment"]["against"] == {"place": "/other/bin/python", "paddle": "3.0.0"}


AGAINST = ("--backend", "paddle", "--against", sys.executable)


@pytest.mark.parametrize(
    ("flags", "said"),
    [
        (("--model", "lenet5", "--backend", "paddle"), "--backend NAME and --against PYTHON go together"),
        (("--model", "lenet5", *AGAINST, "--torch", "a:b"), "--torch has no meaning beside --against"),
        (("--model", "lenet5", *AGAINST, "--stages", "float32"), "versions are compared in float64"),
        (("--model", "lenet5", *AGAINST[:3], "/nowhere"), "is no Python, no environment's folder"),
        (("--model", "lenet5", *AGAINST[:3], str(ROOT)), "is a checkout of this project"),
        (AGAINST, "give --model NAME, or --paddle MODULE:CALLABLE"),
    ],
)
def test_a_wrong_request_is_refused_before_anything_starts(flags, said):
    with pytest.raises(UsageError, match=said):
        main(flags)


def test_a_python_without_the_framework_is_said_at_once(tmp_path):
    subprocess.run([sys.executable, "-m", "venv", "--without-pip", str(tmp_path / "bare")], check=True)
    with pytest.raises(UnavailableError) as raised:
        main(("--model", "lenet5", "--backend", "paddle", "--against", str(tmp_path / "bare")))
    assert f"{tmp_path / 'bare'}/bin/python has no numpy" in str(raised.value)
    assert "pip install numpy pillow safetensors paddlepaddle" in str(raised.value)
