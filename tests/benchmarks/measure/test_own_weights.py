"""A pair of one's own timed: its weights on both sides, its layers joined, its files watched."""

import json
import re
import shutil

import numpy as np
import pytest

from backends.open_model import ModelSpec, open_model
from benchmarks import compare, run
from benchmarks.measure.layer_pairs import join_layers
from benchmarks.results.row_parts import LayerTimes
from benchmarks.results.schema import Result
from benchmarks.worker.setup import fill
from common.cli import UsageError
from common.weights import safetensors_file
from common.weights.described_file import WeightsFile
from common.weights.external import read_foreign
from tests.support.commands import QUICK, ended

MODULE = """
def net():
    from torch import nn

    class Net(nn.Module):
        def __init__(self):
            super().__init__()
            self.conv = nn.Conv2d(3, 8, 3)
            self.norm = nn.BatchNorm2d(8)
            self.act = nn.ReLU()
            self.fc = nn.Linear(8 * 36, 288)
            self.head = nn.Linear(288, 5)

        def forward(self, x):
            return self.head(self.act(self.fc(self.act(self.norm(self.conv(x))).flatten(1))))

    return Net()


def twin():
    from paddle import nn

    class Twin(nn.Layer):
        def __init__(self):
            super().__init__()
            self.stem = nn.Conv2D(3, 8, 3)
            self.bn = nn.BatchNorm2D(8)
            self.relu = nn.ReLU()
            self.hidden = nn.Linear(8 * 36, 288)
            self.out = nn.Linear(288, 5)

        def forward(self, x):
            return self.out(self.relu(self.hidden(self.relu(self.bn(self.stem(x))).flatten(1))))

    return Twin()
"""
SIZE = ["--input-shape", "3,8,8", "--num-classes", "5", "--batch-size", "2", "--device", "cpu"]


@pytest.fixture
def pair(tmp_path, monkeypatch):
    """Flags of a pair whose names and attributes all differ."""
    name = f"own_{tmp_path.name}"
    (tmp_path / f"{name}.py").write_text(MODULE)
    monkeypatch.chdir(tmp_path)
    return ["--torch", f"{name}:net", "--paddle", f"{name}:twin", *SIZE]


@pytest.fixture
def kept(monkeypatch, tmp_path):
    """The files of weights, copied before the scratch folder goes."""
    saved = {}
    real = safetensors_file.save

    def save(path, arrays, **more):
        real(path, arrays, **more)
        if path.name.startswith("weights-"):
            saved[path.stem.removeprefix("weights-")] = shutil.copy(path, tmp_path / path.name)

    monkeypatch.setattr("benchmarks.measure.own_weights.safetensors_file.save", save)
    return saved


def logits(backend, source, folder, weights):
    model = open_model(backend, ModelSpec(precision="fp64", device="cpu", source=source, folder=folder))
    fill(backend, model, weights)
    backend.set_training(model, False)
    images = np.random.default_rng(1).standard_normal((2, 3, 8, 8))
    return backend.to_numpy(backend.infer(model, backend.from_numpy(images, device="cpu", precision="fp64")))


def test_a_pair_is_proven_timed_and_its_layers_joined(
    local, pair, kept, tmp_path, capsys, torch_backend, paddle_backend
):
    quick = [*QUICK, "--rounds", "4", "--pairs", "1", "--phase", "infer", "--layers"]
    report = tmp_path / "report"
    arguments = [*pair, *quick, "--report", str(report)]
    code, out, errors = ended(compare.main, arguments, capsys)
    assert (code, errors) == (0, []), errors
    result = json.loads((report / "result.json").read_text())
    assert result["parity"]["verdict"] == "pass"
    assert {row["status"] for row in result["results"]} == {"ok"}
    assert result["comparisons"][0]["model"] == f"{pair[1]} / {pair[3]}"
    joined = {layer["name"]: layer["counterpart"] for layer in result["results"][1]["layers"]}
    assert joined == {"stem": "conv", "bn": "norm", "relu": "act", "hidden": "fc", "out": "head"}
    assert "act#2" in out
    assert "on one side only" not in out
    # Both files hold one set of weights, each under its side's own names: the two compute the same.
    ours = logits(torch_backend, pair[1], str(tmp_path), kept["torch"])
    assert np.allclose(ours, logits(paddle_backend, pair[3], str(tmp_path), kept["paddle"]), rtol=1e-12)
    arrays = safetensors_file.load(kept["paddle"])
    turned = arrays | {"hidden.weight": arrays["hidden.weight"].T}  # square: its shape would fit
    safetensors_file.save(tmp_path / "turned.safetensors", turned)
    wrong = logits(paddle_backend, pair[3], str(tmp_path), tmp_path / "turned.safetensors")
    assert not np.allclose(ours, wrong, rtol=1e-3)
    # The same again is not measured again; another model is another comparison.
    assert ended(compare.main, arguments, capsys)[0] == 0
    module = next(tmp_path.glob("own_*.py"))
    module.write_text(MODULE + "# changed\n")
    code, _, errors = ended(compare.main, arguments, capsys)
    assert (code, len(errors)) == (2, 1)
    assert "its files have changed since" in errors[0]


def test_one_side_alone_is_timed_with_its_own_weights_or_a_files(local, pair, kept, tmp_path, capsys):
    target = tmp_path / "one.json"
    arguments = ["--backend", "paddle", *pair, *QUICK, "--json", str(target)]
    assert ended(run.main, arguments, capsys)[0] == 0
    rows = json.loads(target.read_text())["results"]
    assert [(row["phase"], row["status"], row["model"]) for row in rows] == [
        ("infer", "ok", pair[3]),
        ("train", "ok", pair[3]),
    ]
    stirred = safetensors_file.load(kept["paddle"])
    assert np.ptp(stirred["bn.weight"]) > 0.01
    assert np.ptp(stirred["buffers/bn.running_mean"]) > 0.01
    stirred = {name.removeprefix("buffers/"): array for name, array in stirred.items()}
    safetensors_file.save(tmp_path / "mine.safetensors", {name: 2 * stirred[name] for name in stirred})
    again = [*arguments, "--phase", "infer", "--weights", "mine.safetensors"]
    assert ended(run.main, again, capsys)[0] == 0
    assert np.array_equal(safetensors_file.load(kept["paddle"])["out.bias"], 2 * stirred["out.bias"])


def test_a_pair_that_differs_is_not_timed(local, tmp_path, monkeypatch, capsys):
    (tmp_path / "leaky_i18.py").write_text(
        MODULE.replace("nn.ReLU()\n            self.hidden", "nn.Tanh()\n            self.hidden")
    )
    monkeypatch.chdir(tmp_path)
    arguments = ["--torch", "leaky_i18:net", "--paddle", "leaky_i18:twin", *SIZE, *QUICK, "--rounds", "4"]
    code, out, errors = ended(compare.main, arguments, capsys)
    assert (code, len(errors)) == (1, 1)
    assert "parity is broken" in errors[0]
    assert "images/s" not in out


@pytest.mark.parametrize(
    ("returned", "classes", "message"),
    [
        ("return {'logits': x.mean((2, 3))}", "3", "returns dict: what is timed returns logits"),
        ("return x.mean((1, 2, 3))", "3", r"returns a tensor \(2,\)"),
        ("return x.mean((2, 3))", "5", "returns 3 classes, and --num-classes says 5"),
    ],
)
def test_what_returns_no_logits_is_a_wrong_request(
    local, tmp_path, monkeypatch, capsys, returned, classes, message
):
    name = f"shaped_{abs(hash(returned))}"
    text = f"""
def net():
    from torch import nn

    class Net(nn.Conv2d):
        def forward(self, x):
            x = super().forward(x)
            {returned}

    return Net(3, 3, 1)
"""
    (tmp_path / f"{name}.py").write_text(text)
    monkeypatch.chdir(tmp_path)
    size = ["--input-shape", "3,4,4", "--num-classes", classes, "--batch-size", "2", "--device", "cpu"]
    code, _, errors = ended(run.main, ["--backend", "torch", "--torch", f"{name}:net", *size, *QUICK], capsys)
    assert (code, len(errors)) == (2, 1)
    assert re.search(message, errors[0])


DESCRIBED = {
    "torch": {
        "parameters": [{"name": "fc.weight", "shape": [2, 3], "type": "Linear"}],
        "buffers": [{"name": "bn.running_mean", "shape": [2], "type": "BatchNorm2d"}],
    },
    "paddle": {
        "parameters": [{"name": "head.weight", "shape": [2, 3], "type": "Linear"}],
        "buffers": [{"name": "norm.running_mean", "shape": [2], "type": "BatchNorm2d"}],
    },
}


def test_a_file_belongs_to_the_side_whose_names_it_has(tmp_path):
    arrays = {"head.weight": np.arange(6.0).reshape(2, 3), "norm._mean": np.ones(2)}
    safetensors_file.save(tmp_path / "w.safetensors", arrays)
    file = WeightsFile(read_foreign(tmp_path / "w.safetensors"), DESCRIBED)
    assert file.side == "paddle"
    own = dict(file.own("paddle"))
    assert own.keys() == {"head.weight", "buffers/norm.running_mean"}
    safetensors_file.save(tmp_path / "none.safetensors", {"other.weight": np.ones(2)})
    with pytest.raises(UsageError, match=r"has no fc.weight of torch's model; it has other.weight"):
        WeightsFile(read_foreign(tmp_path / "none.safetensors"), DESCRIBED)
    safetensors_file.save(tmp_path / "small.safetensors", {"fc.weight": np.ones((2, 2))})
    with pytest.raises(UsageError, match=r"fc.weight is \(2, 2\), and the model's is \(2, 3\)"):
        dict(WeightsFile(read_foreign(tmp_path / "small.safetensors"), DESCRIBED).own("torch"))


def row(backend, names):
    layers = [LayerTimes(name=name, type=kind, forward_seconds=1, backward_seconds=1) for name, kind in names]
    about = {"model": "m", "num_classes": 1, "input_shape": (1, 1, 1), "device": "cpu", "loader": "common"}
    case = {"phase": "infer", "engine": "eager", "precision": "fp32", "batch_size": 1, "threads": 1}
    return Result(backend=backend, settings_mode="equalised", status="ok", layers=layers, **about, **case)


def test_layers_without_parameters_are_joined_by_type_and_place():
    ours = row("torch", [("conv", "Conv2d"), ("act", "ReLU"), ("pool", "MaxPool2d"), ("fc", "Linear")])
    theirs = row(
        "paddle", [("c", "Conv2d"), ("p", "MaxPool2d"), ("r", "ReLU"), ("extra", "Pad"), ("l", "Linear")]
    )
    joined = join_layers([ours, theirs], {"conv": "c", "fc": "l"})[1].layers
    assert [layer.counterpart for layer in joined] == ["conv", "pool", "act", "", "fc"]
    assert join_layers([ours, theirs], {})[1].layers[0].counterpart is None
