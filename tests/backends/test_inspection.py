"""Layers under words that both frameworks share: by the class that they derive from, not by their name."""

import pytest


def described(backend, layer):
    """(name, type) of the layer's parameters."""
    return [(entry["name"], entry["type"]) for entry in backend.describe(layer)["parameters"]]


PAIRS = {
    "Linear": ("Linear(3, 3)", "Linear(3, 3)"),
    "ConvTranspose1d": ("ConvTranspose1d(2, 3, 3)", "Conv1DTranspose(2, 3, 3)"),
    "ConvTranspose2d": ("ConvTranspose2d(2, 3, 3)", "Conv2DTranspose(2, 3, 3)"),
    "ConvTranspose3d": ("ConvTranspose3d(2, 3, 3)", "Conv3DTranspose(2, 3, 3)"),
    "BatchNorm2d": ("BatchNorm2d(3)", "BatchNorm(3)"),
    "BatchNorm3d": ("BatchNorm3d(3)", "BatchNorm3D(3)"),
    "SyncBatchNorm": ("SyncBatchNorm(3)", "SyncBatchNorm(3)"),
    "InstanceNorm2d": ("InstanceNorm2d(3, affine=True)", "InstanceNorm2D(3)"),
    "PReLU": ("PReLU(3)", "PReLU(3)"),
    "Conv2d": ("Conv2d(2, 3, 3)", "Conv2d(2, 3, 3)"),
    "LSTM": ("LSTM(2, 3)", "LSTM(2, 3)"),
    "RNN": ("RNN(2, 3)", "SimpleRNN(2, 3)"),
}


@pytest.mark.parametrize("word", PAIRS)
def test_one_word_for_both(torch_backend, paddle_backend, word):
    import paddle
    import torch

    ours, theirs = PAIRS[word]
    for backend, framework, call in ((torch_backend, torch, ours), (paddle_backend, paddle, theirs)):
        layer = eval(f"nn.{call}", {"nn": framework.nn})
        assert {kind for _, kind in described(backend, layer)} == {word}


def test_attention_is_one_layer_with_all_that_is_in_it(torch_backend, paddle_backend):
    import paddle
    import torch

    packed = described(torch_backend, torch.nn.MultiheadAttention(4, 2))
    assert [kind for _, kind in packed] == ["MultiheadAttention"] * 4
    assert described(paddle_backend, paddle.compat.nn.MultiheadAttention(4, 2)) == packed


def test_a_users_own_class_is_what_it_derives_from_however_it_is_called(backend):
    import importlib

    nn = importlib.import_module(f"{backend.__name__.rpartition('.')[2]}.nn")
    base = getattr(nn, "Module", None) or nn.Layer

    class Conv2D(nn.Linear):
        pass

    class Mine(Conv2D):
        pass

    class Linear(base):
        def __init__(self):
            super().__init__()
            self.inner = nn.Linear(2, 2)
            bias = nn.Linear(2, 2).bias
            self.bias = bias

    assert {kind for _, kind in described(backend, Mine(2, 2))} == {"Linear"}
    assert dict(described(backend, Linear()))["bias"] == "Module"


def test_what_torch_parametrizes_stays_what_it_is(torch_backend):
    from torch import nn

    model = nn.Sequential(nn.utils.parametrizations.weight_norm(nn.Conv2d(2, 3, 3)))
    entries = torch_backend.describe(model)["parameters"]
    assert {(entry["layer"], entry["type"]) for entry in entries} == {("0", "Conv2d")}


def test_a_weight_lies_as_its_layers_type_says(paddle_backend):
    """Square ones, which no shape would betray: the framework's is turned over, the compatible one is not."""
    import numpy as np
    import paddle

    square = np.arange(9.0, dtype=np.float32).reshape(3, 3)
    for layer, turned in (
        (paddle.nn.Linear(3, 3), True),
        (paddle.compat.nn.Linear(3, 3), False),
        (paddle.nn.Embedding(3, 3), False),
    ):
        layer.weight.set_value(paddle.to_tensor(square))
        weight = paddle_backend.get_weights(layer)["weight"]
        assert np.array_equal(weight, square.T if turned else square), type(layer)
        arrays = paddle_backend.get_weights(layer)
        paddle_backend.set_weights(layer, {**arrays, "weight": square})
        lies = layer.weight.numpy()
        assert np.array_equal(lies, square.T if turned else square), type(layer)


def test_what_a_normalisation_keeps_of_a_weight_lies_as_the_weight(paddle_backend):
    import numpy as np
    import paddle

    layer = paddle.nn.utils.weight_norm(paddle.nn.Linear(3, 3), dim=1)
    arrays = paddle_backend.get_weights(layer)
    assert np.array_equal(arrays["weight_v"], layer.weight_v.numpy().T)
    assert arrays["weight_g"].shape == (3, 1)


def test_features_are_what_went_into_the_layer_whatever_happens_to_them_later(backend):
    import importlib

    import numpy as np

    nn = importlib.import_module(f"{backend.__name__.rpartition('.')[2]}.nn")
    base = getattr(nn, "Module", None) or nn.Layer

    class Net(base):
        def __init__(self):
            super().__init__()
            self.first, self.head = nn.Linear(3, 4), nn.Linear(4, 2)
            self.unused = nn.Linear(2, 2)

        def forward(self, x):
            hidden = self.first(x)
            logits = self.head(hidden)
            hidden.zero_()
            return logits

    where = {"device": "cpu", "precision": "fp32"}
    model = backend.adopt(Net(), **where)
    backend.set_training(model, False)
    images = backend.from_numpy(np.ones((1, 3), np.float32), **where)
    logits, features = backend.infer_with_features(model, images, layer="head")
    found, seen = backend.to_numpy(logits), backend.to_numpy(features)
    weights = backend.get_weights(model)
    assert np.allclose(seen @ weights["head.weight"].T + weights["head.bias"], found, atol=1e-6)
    assert np.abs(seen).max() > 0
    assert backend.infer_with_features(model, images, layer="unused")[1] is None
    with pytest.raises(KeyError):
        backend.infer_with_features(model, images, layer="nowhere")
