"""The models are what they are said to be: parameters, shapes, names, initial values."""

import numpy as np
import pytest

from benchmarks.request.inputs import draw_batch
from benchmarks.request.model_pair import ModelPair
from benchmarks.worker.profiling import flops_per_image
from common.cli import UsageError
from common.model_cards import require_input
from common.weights import initialization

COUNTS = [  # model, channels, classes, parameters
    ("alexnet", 3, 1000, 61_100_840),
    ("alexnet", 1, 10, 57_029_322),
    ("alexnet_wide", 3, 5, 58_301_829),
    ("alexnet_lrn", 3, 12, 58_330_508),
    ("alexnet_2012", 3, 1000, 60_965_224),
    ("lenet5", 3, 10, 62_006),
]
SIDES_OF_ALEXNET_LRN = {
    "conv1": 54, "norm1": 54, "relu1": 54, "pool1": 28, "conv2": 28, "relu2": 28, "pool2": 13, "conv3": 13,
    "relu3": 13, "conv4": 13, "relu4": 13, "conv5": 13, "relu5": 13, "pool5": 6,
}  # fmt: skip
DROPOUT_AND_LINEAR = ["dropout6", "fc6", "dropout7", "fc7", "fc8"]
SIDES_OF_LENET5 = {"c1": 28, "act1": 28, "s2": 14, "c3": 10, "act3": 10, "s4": 5, "c5": 1, "act5": 1}


def built(backend, name, *, channels=3, num_classes=10, **options):
    return backend.build(
        name, num_classes=num_classes, channels=channels, precision="fp32", device="cpu", **options
    )


def traced(backend, name, side, **options):
    images = np.zeros((1, 3, side, side), np.float32)
    return backend.trace(
        built(backend, name, **options), backend.from_numpy(images, device="cpu", precision="fp32")
    )


@pytest.mark.parametrize(("name", "channels", "num_classes", "count"), COUNTS)
def test_parameter_counts(backend, name, channels, num_classes, count):
    shapes = backend.parameter_shapes(built(backend, name, channels=channels, num_classes=num_classes))
    assert sum(int(np.prod(shape)) for shape in shapes.values()) == count


def test_images_with_their_channels_last_in_memory_run_with_channels_first(backend):
    """Else torch computes in another layout; read from an activation, not from what was asked for."""
    images = np.ones((2, 32, 32, 3), np.float32).transpose(0, 3, 1, 2)
    tensor = backend.from_numpy(images, device="cpu", precision="fp32")
    assert backend.trace(built(backend, "lenet5"), tensor)[0]["layout"] == "NCHW"


def test_another_layout_is_seen(torch_backend):
    import torch

    images = torch.ones(2, 3, 32, 32).to(memory_format=torch.channels_last)
    assert torch_backend.trace(built(torch_backend, "lenet5"), images)[0]["layout"] == "NHWC"


def test_shapes_of_alexnet_lrn(backend):
    layers = traced(backend, "alexnet_lrn", 224)
    assert {layer["name"]: layer["output_shape"][-1] for layer in layers[:-5]} == SIDES_OF_ALEXNET_LRN
    assert [layer["name"] for layer in layers[-5:]] == DROPOUT_AND_LINEAR


def test_shapes_of_lenet5(backend):
    layers = traced(backend, "lenet5", 32)
    assert {layer["name"]: layer["output_shape"][-1] for layer in layers[:8]} == SIDES_OF_LENET5
    assert [layer["name"] for layer in layers[8:]] == ["f6", "act6", "output"]


def test_the_paper_takes_227_pixels_without_padding(backend):
    layers = traced(backend, "alexnet_2012", 227, padding=0)
    assert layers[0]["output_shape"] == [1, 96, 55, 55]
    padded = traced(backend, "alexnet_2012", 224)
    for first in (layers[0], padded[0]):
        first.pop("input_shape")  # the images', in which alone they differ
    assert layers == padded


def test_alexnet_is_torchvisions(torch_backend):
    """Its weight files load by name, and give the same logits."""
    import torch
    import torchvision

    theirs = torchvision.models.alexnet(weights=None, num_classes=10).eval()
    ours = built(torch_backend, "alexnet")
    ours.load_state_dict(theirs.state_dict())
    torch_backend.set_training(ours, False)
    images = torch.randn(1, 3, 224, 224, generator=torch.Generator().manual_seed(0))
    with torch.no_grad():
        assert torch.equal(ours(images), theirs(images))


def test_response_normalisation_is_the_papers(backend):
    """Section 3.3: b = a / (2 + 1e-4 * sum over five neighbouring channels of a^2) ^ 0.75."""
    model = backend.build("alexnet_2012", num_classes=10, channels=3, precision="fp64", device="cpu")
    values = np.random.default_rng(0).standard_normal((1, 96, 3, 3)) * 50
    normalised = backend.to_numpy(model.norm1(backend.from_numpy(values, device="cpu", precision="fp64")))
    padded = np.pad(values**2, ((0, 0), (2, 2), (0, 0), (0, 0)))
    sums = sum(padded[:, shift : shift + 96] for shift in range(5))
    np.testing.assert_allclose(normalised, values / (2 + 1e-4 * sums) ** 0.75, rtol=1e-13)


def test_padding_by_more_than_half_a_window_is_paddles(torch_backend, paddle_backend):
    values = np.random.default_rng(0).standard_normal((2, 96, 9, 9))
    pooled = []
    for backend in (torch_backend, paddle_backend):
        model = backend.build("alexnet_lrn", num_classes=10, channels=3, precision="fp64", device="cpu")
        pooled.append(
            backend.to_numpy(model.pool1(backend.from_numpy(values, device="cpu", precision="fp64")))
        )
    assert np.array_equal(*pooled)


def test_unknown_options_of_lenet5_are_errors(backend):
    with pytest.raises(KeyError):
        built(backend, "lenet5", activation="swish")


def test_dropout_is_off_in_evaluation_and_on_in_training(backend):
    model = built(backend, "alexnet_wide")
    images = backend.from_numpy(np.ones((1, 3, 224, 224)), device="cpu", precision="fp32")
    backend.set_weights(model, initialization.draw_scaled(backend.parameter_shapes(model), seed=0))

    def twice():
        return [backend.to_numpy(backend.infer(model, images)) for _ in range(2)]

    backend.set_training(model, False)
    assert np.array_equal(*twice())
    backend.set_training(model, True)
    assert not np.array_equal(*twice())


def test_flops_of_alexnet(backend):
    """714 million multiply-adds: torchvision tells 0.71 GFLOPS for its AlexNet, counting each as one."""
    model = built(backend, "alexnet", num_classes=1000)
    images = draw_batch(
        ModelPair(model="alexnet", num_classes=1000, input_shape=(3, 224, 224)), batch_size=2
    )["images"]
    layers = backend.trace(model, backend.from_numpy(images, device="cpu", precision="fp32"))
    assert flops_per_image(layers, backend.parameter_shapes(model)) == 2 * 714_188_480


def test_initial_values_of_the_paper():
    shapes = {"conv1.weight": (96, 3, 11, 11), "conv1.bias": (96,), "conv2.bias": (256,), "fc8.bias": (10,)}
    values = initialization.draw_paper_2012(shapes, seed=0)
    assert abs(values["conv1.weight"].std() - 0.01) < 2e-4
    assert not values["conv1.bias"].any()
    assert (values["conv2.bias"] == 1).all()
    assert not values["fc8.bias"].any()
    assert {array.dtype for array in values.values()} == {np.dtype(np.float32)}


def test_scaled_values_depend_on_the_seed_alone():
    shapes = {"a.weight": (64, 32), "a.bias": (64,)}
    first, again, other = (initialization.draw_scaled(shapes, seed=seed) for seed in (1, 1, 2))
    assert all(np.array_equal(first[name], again[name]) for name in shapes)
    assert not np.array_equal(first["a.weight"], other["a.weight"])
    assert abs(first["a.weight"].std() - 0.25) < 0.02


@pytest.mark.parametrize(
    ("name", "shape"),
    [
        ("alexnet", (3, 224, 224)),
        ("alexnet", (1, 63, 300)),
        ("alexnet_lrn", (3, 227, 227)),
        ("lenet5", (1, 32, 32)),
    ],
)
def test_inputs_that_fit(name, shape):
    require_input(name, shape)


@pytest.mark.parametrize(
    ("name", "shape"),
    [
        ("alexnet", (3, 62, 224)),
        ("alexnet_wide", (3, 256, 256)),
        ("alexnet_2012", (3, 4, 4)),
        ("lenet5", (1, 28, 28)),
    ],
)
def test_inputs_that_do_not_fit(name, shape):
    with pytest.raises(UsageError, match=name):
        require_input(name, shape)
