"""In float64 both frameworks compute the same: every model, logits, loss and every gradient."""

import numpy as np
import pytest

from backends.open_model import open_model
from benchmarks.parity.comparison import run_gate
from benchmarks.request.inputs import draw_batch
from benchmarks.request.model_pair import ModelPair
from common.weights import initialization

SUBJECTS = {
    "alexnet": ModelPair(model="alexnet", num_classes=10, input_shape=(3, 224, 224), batch_size=1),
    "alexnet_wide": ModelPair(model="alexnet_wide", num_classes=10, input_shape=(3, 224, 224), batch_size=1),
    "alexnet_lrn": ModelPair(model="alexnet_lrn", num_classes=10, input_shape=(3, 224, 224), batch_size=1),
    "alexnet_2012": ModelPair(model="alexnet_2012", num_classes=10, input_shape=(3, 224, 224), batch_size=1),
    "lenet5": ModelPair(model="lenet5", num_classes=10, input_shape=(3, 32, 32), batch_size=4),
}
LENET5_OPTIONS = [
    {"activation": activation, "pool": pool, "c5_activation": c5_activation}
    for activation in ("sigmoid", "tanh", "relu")
    for pool in ("max", "avg")
    for c5_activation in (True, False)
]
BEFORE_RESPONSE_NORMALISATION = {
    "alexnet_lrn": {"conv1.weight", "conv1.bias"},
    "alexnet_2012": {"conv1.weight", "conv1.bias", "conv2.weight", "conv2.bias"},
}
# Measured at batch 2: 3e-7 for the AlexNets, 2e-7 for lenet5.
FLOAT32_LOGITS = 1e-5


@pytest.mark.parametrize("model", SUBJECTS)
def test_float64_parity(sides, tmp_path, model):
    parity = run_gate(*sides, subject=SUBJECTS[model], scratch=tmp_path)
    assert [stage["stage"] for stage in parity["stages"]] == ["parameters", "forward", "loss", "gradients"]
    assert parity["verdict"] == "pass", parity["first_divergence"]
    tensors = [tensor for stage in parity["stages"][1:] for tensor in stage["tensors"]]
    for tensor in tensors:
        gap = tensor["relative_l2"] if tensor["constant"] is None else tensor["reproduced_relative_l2"]
        assert gap <= tensor["tolerance"] == 1e-12, tensor
    excused = {
        tensor["name"] for tensor in tensors if tensor["constant"] and "(output)" not in tensor["name"]
    }
    assert excused <= BEFORE_RESPONSE_NORMALISATION.get(model, set())
    assert list(tmp_path.iterdir()) == []


@pytest.mark.parametrize("options", LENET5_OPTIONS, ids=lambda options: "-".join(map(str, options.values())))
def test_float64_parity_of_lenet5_options(torch_backend, paddle_backend, options):
    results = [gradients_of_lenet5(backend, **options) for backend in (torch_backend, paddle_backend)]
    for name, ours in results[0].items():
        np.testing.assert_allclose(results[1][name], ours, rtol=0, atol=1e-12 * np.linalg.norm(ours))


@pytest.mark.parametrize("model", SUBJECTS)
def test_float32_forward_parameters_and_layers(torch_backend, paddle_backend, model):
    ours, theirs = (run_in_float32(backend, SUBJECTS[model]) for backend in (torch_backend, paddle_backend))
    assert ours["parameters"] == theirs["parameters"]
    assert ours["layers"] == theirs["layers"]
    assert ours["logits"].dtype == theirs["logits"].dtype == np.float32
    distance = np.linalg.norm(ours["logits"] - theirs["logits"])
    assert distance <= FLOAT32_LOGITS * np.linalg.norm(ours["logits"])


def test_the_same_backend_twice_is_bit_identical(backend):
    first, second = (gradients_of_lenet5(backend) for _ in range(2))
    assert first.keys() == second.keys()
    for name, array in first.items():
        assert array.tobytes() == second[name].tobytes(), name


def gradients_of_lenet5(backend, **options):
    model = backend.build("lenet5", num_classes=10, channels=1, precision="fp64", device="cpu", **options)
    backend.set_weights(model, initialization.draw_scaled(backend.parameter_shapes(model), seed=3))
    batch = draw_batch(ModelPair(model="lenet5", num_classes=10, input_shape=(1, 32, 32)), batch_size=2)
    images, labels = (
        backend.from_numpy(batch[name], device="cpu", precision="fp64") for name in ("images", "labels")
    )
    logits, loss = backend.compute_loss(model, images, labels)
    backend.backward(loss)
    return {
        "logits": backend.to_numpy(logits),
        "loss": backend.to_numpy(loss),
        **backend.get_gradients(model),
    }


def run_in_float32(backend, subject):
    model = open_model(backend, subject.spec("any", precision="fp32", device="cpu"))
    shapes = backend.parameter_shapes(model)
    backend.set_weights(model, initialization.draw_scaled(shapes, seed=0))
    backend.set_training(model, False)
    batch = draw_batch(subject, batch_size=1)["images"]
    images = backend.from_numpy(batch, device="cpu", precision="fp32")
    return {
        "parameters": list(shapes.items()),
        "layers": backend.trace(model, images),
        "logits": backend.to_numpy(backend.infer(model, images)),
    }
