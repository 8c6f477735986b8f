"""A worker's side of a comparison: what it did before changes nothing of what it does next."""

from dataclasses import asdict

import numpy as np
import pytest

from benchmarks.parity.probe.probe import Probe
from benchmarks.parity.tensors.tensor_folder import TensorFolder
from benchmarks.request.inputs import draw_inputs
from benchmarks.request.model_pair import ModelPair
from common.weights import initialization

SUBJECT = ModelPair(model="lenet5", num_classes=10, input_shape=(3, 32, 32), seed=0, batch_size=2)
SETTINGS = {
    "learning_rate": 1e-3,
    "momentum": 0.9,
    "beta1": 0.9,
    "beta2": 0.999,
    "epsilon": 1e-8,
    "weight_decay": 0.0,
}


@pytest.fixture
def probe(backend, tmp_path):
    name = backend.__name__.rpartition(".")[2]
    made = Probe(name, backend)
    described = made.open(asdict(SUBJECT.spec(name, precision="fp64", device="cpu")), {}, str(tmp_path))
    shapes = {entry["name"]: entry["shape"] for entry in described["parameters"]}
    TensorFolder(tmp_path / "weights").fill(initialization.draw_scaled(shapes, seed=0).items())
    TensorFolder(tmp_path / "batch").fill(draw_inputs(SUBJECT).items())
    return made


def test_training_begins_without_the_gradients_of_what_was_recorded(probe, tmp_path):
    def trained(target):
        probe.load(str(tmp_path / "weights"))
        probe.start_training("sgd", SETTINGS)
        probe.train(batch=str(tmp_path / "batch"), steps=1, rates=None, masks=None)
        probe.save(str(tmp_path / target))
        return TensorFolder(tmp_path / target)

    first = trained("first")
    probe.record(batch=str(tmp_path / "batch"), target=str(tmp_path / "recorded"))
    again = trained("again")
    assert list(first) == list(again)
    assert all(np.array_equal(first.load(name), again.load(name)) for name in first)


def test_a_model_of_ones_own_starts_from_its_seed(backend, tmp_path):
    name = backend.__name__.rpartition(".")[2]
    (tmp_path / f"own_{name}.py").write_text(
        f"from {name} import nn\n\n\ndef net():\n    return nn.Linear(3, 2)\n"
    )
    spec = {"precision": "fp64", "device": "cpu", "source": f"own_{name}:net", "folder": str(tmp_path)}

    def started(seed):
        made = Probe(name, backend)
        made.open(spec, {}, str(tmp_path), seed=seed)
        return backend.get_weights(made.model)["weight"]

    first, again, other = started(0), started(0), started(1)
    assert np.array_equal(first, again)
    assert not np.array_equal(first, other)
