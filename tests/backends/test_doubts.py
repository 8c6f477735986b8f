"""What nobody said of a checkpoint is assumed and told, never a fact; figures as if by chance are doubted."""

import numpy as np
import pytest

from backends.inference.checkpoints import open_checkpoint
from backends.inference.doubts import assumption, suspicion
from backends.inference.flags import add_checkpoint_flags
from common.cli import Parser, UsageError
from common.weights import safetensors_file
from common.weights.checkpoint import Checkpoint

SHAPES = {"c1.weight": (6, 1, 5, 5), "f6.weight": (84, 120), "output.weight": (10, 84), "output.bias": (10,)}


@pytest.fixture
def foreign(tmp_path):
    path = tmp_path / "foreign.safetensors"
    safetensors_file.save(path, {name: np.ones(shape, np.float32) for name, shape in SHAPES.items()})
    return path


def opened(path, *flags):
    parser = Parser(prog="x")
    add_checkpoint_flags(parser)
    return open_checkpoint(path, parser.parse_args([*flags]))


def test_what_no_flag_says_is_assumed_and_named(foreign):
    subject = opened(foreign, "--model", "lenet5", "--activation", "relu", "--mean", "0.5").subject
    assert subject.assumed == ("pool", "no_c5_activation", "std", "scale", "resize")
    said = assumption(subject)
    assert "--pool max" in said
    assert "--resize 32,32" in said
    assert "--activation" not in said.replace("--no-c5-activation", "")
    assert assumption(opened(foreign, *ALL).subject) is None


ALL = ["--model", "lenet5", "--activation", "relu", "--pool", "avg", "--no-c5-activation"]
ALL += ["--mean", "0.5", "--std", "1", "--scale", "1", "--resize", "32,32"]


def converted(path, target, *flags):
    found = opened(path, *flags)
    Checkpoint(subject=found.subject, weights=found.weights.arrays).write(target)
    return target


def test_a_guess_is_recorded_as_a_guess_and_can_be_corrected(foreign, tmp_path):
    ours = converted(foreign, tmp_path / "x.safetensors", "--model", "lenet5", "--mean", "0.5")
    found = opened(ours)
    assert "activation" in found.subject.assumed
    assert "--activation sigmoid" in found.remarks()[0]
    better = opened(ours, "--activation", "relu", "--pad", "2", "--resize", "28,28").subject
    assert better.options == {"activation": "relu"}
    assert (better.preparation.pad, better.preparation.mean) == (2, (0.5,))
    assert "activation" not in better.assumed
    with pytest.raises(UsageError, match="was made with mean"):
        opened(ours, "--mean", "0.4")


def test_what_was_said_is_a_fact(foreign, tmp_path):
    ours = converted(foreign, tmp_path / "x.safetensors", *ALL)
    assert opened(ours).remarks() == []
    assert opened(ours, "--mean", "0.5", "--activation", "relu").subject == opened(ours).subject
    for flags in (["--activation", "tanh"], ["--pool", "max"], ["--pad", "2"], ["--resize", "28"]):
        with pytest.raises(UsageError, match="was made with"):
            opened(ours, *flags)


def judged(counts, foreign, *flags):
    subject = opened(foreign, "--model", "lenet5", *flags).subject
    return suspicion(np.array(counts), ["a", "b", "c"], subject)


def test_one_class_for_all_is_doubted(foreign):
    said = judged([[0, 9, 0], [0, 10, 0], [0, 11, 0]], foreign)
    assert said.startswith("all 30 images are taken for 'b': look at --activation, --pool")
    said = judged([[0, 9, 0], [0, 10, 0], [0, 11, 0]], foreign, *ALL)
    assert "may not have learnt" in said


def test_chance_is_doubted_and_knowledge_is_not(foreign):
    assert "33.33% of the images" in judged([[10, 20, 0], [0, 10, 20], [20, 0, 10]], foreign)
    assert judged([[15, 15, 0], [0, 10, 20], [20, 0, 10]], foreign) is None
    assert judged([[1, 0, 0], [5, 0, 0], [0, 0, 0]], foreign) is None  # too few to tell
    assert judged([[0, 0, 0], [0, 90, 0], [0, 0, 0]], foreign) is None  # images of one class only


def test_options_of_another_model_are_refused(foreign):
    for flags in (["--activation", "relu"], ["--no-c5-activation"]):
        with pytest.raises(UsageError, match="options of lenet5"):
            opened(foreign, "--model", "alexnet", *flags)
