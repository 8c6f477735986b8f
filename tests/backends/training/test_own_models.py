"""A recipe on a model of one's own: trained, gone on with, evaluated, refused once its files have changed."""

import json

import numpy as np
import pytest

from benchmarks import train as train_both
from benchmarks.measure import equal_starts
from common.weights import checkpoint
from tests.support.commands import ended
from tests.support.training import evaluated, trained, weights

pytestmark = pytest.mark.usefixtures("one_thread")
NETS = """
def net():
    from torch import nn
    return nn.Sequential(nn.AvgPool2d(4), nn.Flatten(), nn.Linear(64, 9), nn.BatchNorm1d(9), nn.Linear(9, 10))

def twin():
    from paddle import nn
    return nn.Sequential(nn.AvgPool2D(4), nn.Flatten(), nn.Linear(64, 9), nn.BatchNorm1D(9), nn.Linear(9, 10))

def seven():
    from torch import nn
    return nn.Sequential(nn.Flatten(), nn.Linear(1024, 7))
"""
TORCH, PADDLE = ["--torch", "mine_i18t:net"], ["--paddle", "mine_i18t:twin"]


@pytest.fixture
def folder(tmp_path, monkeypatch):
    (tmp_path / "mine_i18t.py").write_text(NETS)
    monkeypatch.chdir(tmp_path)
    return tmp_path


def test_a_run_goes_on_in_either_framework_and_not_with_changed_files(
    folder, capsys, torch_backend, paddle_backend
):
    few = ["--limit", "32", "--schedule", "constant"]
    whole, parts = folder / "whole", folder / "parts"
    assert trained(capsys, "torch", whole, *TORCH, *few, "--epochs", "2")[0] == 0
    assert trained(capsys, "torch", parts, *TORCH, *few, "--epochs", "1")[0] == 0
    assert trained(capsys, "torch", parts, *TORCH, *few, "--epochs", "2", "--resume")[0] == 0
    for name, array in weights(whole).items():  # running statistics, too
        np.testing.assert_array_equal(array, weights(parts)[name])
    assert weights(whole)["buffers/3.running_mean"].any()
    assert evaluated(capsys, "torch", whole, "--data", "digits", "--json", "e.json")[0] == 0
    assert json.loads((folder / "e.json").read_text()) == json.loads((whole / "test.json").read_text())
    found = checkpoint.read(whole / "last.safetensors").subject.own["torch"]
    assert (found["source"], list(found["files"])) == ("mine_i18t:net", ["mine_i18t.py"])
    # In the other framework, which the run knows no model for.
    more = ["--limit", "32", "--epochs", "3", "--resume"]
    code, _, errors = trained(capsys, "paddle", parts, *more)
    assert (code, "--paddle MODULE:CALLABLE is missing" in errors[-1]) == (2, True)
    assert trained(capsys, "paddle", parts, *PADDLE, *more)[0] == 0
    assert {*checkpoint.read(parts / "last.safetensors").subject.own} == {"torch", "paddle"}
    # Another model, and changed files.
    code, _, errors = trained(capsys, "torch", whole, "--torch", "mine_i18t:seven", *more)
    assert (code, "began with mine_i18t:net, not mine_i18t:seven" in errors[-1]) == (2, True)
    (folder / "mine_i18t.py").write_text(f"{NETS}\n# changed\n")
    code, _, errors = trained(capsys, "torch", whole, *TORCH, *more)
    assert (code, "mine_i18t.py has changed since; put it back" in errors[-1]) == (2, True)
    code, _, errors = evaluated(capsys, "torch", whole, "--data", "digits")
    assert (code, any("mine_i18t.py has changed since" in line for line in errors)) == (0, True)


@pytest.mark.parametrize(
    ("more", "message"),
    [
        (
            ["--torch", "mine_i18t:seven"],
            "returns a tensor (2, 7) for two images of 1x32x32; the data have 10",
        ),
        ([*PADDLE], "--torch MODULE:CALLABLE is missing"),
        ([*TORCH, "--model", "lenet5"], "--model is for our models"),
        ([*TORCH, "--dropout", "0.1"], "--dropout is for our models"),
        (["--input-shape", "1,8,8"], "--input-shape is for --torch and --paddle"),
    ],
)
def test_what_cannot_be_trained_is_refused(folder, capsys, torch_backend, more, message):
    code, _, errors = trained(capsys, "torch", folder / "run", *more)
    assert (code, len(errors)) == (2, 1)
    assert message in errors[0]


def test_both_start_from_what_torchs_model_comes_with(folder, sides, monkeypatch):
    ours, theirs = sides
    size = ["--input-shape", "1,32,32", "--num-classes", "10"]
    asked = [*TORCH, *PADDLE, *size, "--recipe", "digits", "--output", "c"]
    pair = train_both._own_pair(train_both._parse(asked))
    with equal_starts.Pair(ours, theirs, subject=pair, scratch=folder) as opened:
        equal_starts._write(opened, folder, 0)
    starts = [weights(folder, f"start-{name}-0.safetensors") for name in ("torch", "paddle")]
    names = {"2.weight", "2.bias", "3.weight", "3.bias", "4.weight", "4.bias"}
    for name in names:
        np.testing.assert_array_equal(starts[0][name], starts[1][name])
    assert (starts[0]["3.weight"] == 1).all()  # as it comes, without the noise that parity adds
    assert starts[0]["2.weight"].std() > 0


def test_half_a_pair_is_refused(folder, capsys):
    asked = ["--recipe", "digits", "--output", "compared"]
    code, _, errors = ended(train_both.main, [*asked, *TORCH], capsys)
    assert (code, "--paddle MODULE:CALLABLE is missing" in errors[0]) == (2, True)
    code, _, errors = ended(train_both.main, [*asked, "--num-classes", "3"], capsys)
    assert (code, "belongs to --torch and --paddle" in errors[0]) == (2, True)
