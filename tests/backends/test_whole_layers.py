"""Layers that compute as one, whatever is in them, and layers alone as they are in a network."""

import importlib

import numpy as np
import pytest

from backends import Computed
from tests.pairs.words import Words

pytestmark = pytest.mark.usefixtures("one_thread")


@pytest.fixture
def words(backend):
    made = Words(backend.__name__.rpartition(".")[2])
    made.seed(0)
    return made


def images(backend, *, precision="fp64", shape=(2, 3, 12, 12)):
    array = np.random.default_rng(0).standard_normal(shape)
    return backend.from_numpy(array, device="cpu", precision=precision)


def adopted(backend, model, *, precision="fp64"):
    return backend.adopt(model, precision=precision, device="cpu")


def varied(words):
    """Normalisation, an in-place ReLU where a layer can be, a layer whose output is a tuple, a pool."""

    class Varied(words.base):
        def __init__(self):
            super().__init__()
            self.conv = words.Conv2d(3, 4, 3, padding=1)
            self.norm = words.norm("BatchNorm2d", 4)
            self.relu = words.nn.ReLU(inplace=True) if words.is_torch else InPlace(words)
            self.rnn = words.recurrent("LSTM", 48, 5, layers=1, both_ways=False)
            self.fc = words.Linear(5, 3)

        def forward(self, x):
            x = self.relu(self.norm(self.conv(x)))
            return self.fc(self.rnn(x.reshape([x.shape[0], 12, 48]))[0].mean(1))

    return Varied()


def InPlace(words):  # noqa: N802 - a class made for the framework
    class Made(words.base):
        def forward(self, x):
            return words.functional.relu_(x)

    return Made()


def test_every_layer_runs_alone_forward_and_backward(backend, words):
    model = adopted(backend, varied(words))
    backend.set_training(model, True)
    layers = backend.isolate_layers(model, images(backend))
    assert [(layer.name, layer.type) for layer in layers] == [
        ("conv", "Conv2d"),
        ("norm", "BatchNorm2d"),
        ("relu", "ReLU" if words.is_torch else "Made"),
        ("rnn", "LSTM"),
        ("fc", "Linear"),
    ]
    for layer in layers:
        for _ in range(2):
            layer.forward()
            layer.backward()
    assert [layer.name for layer in layers if layer.in_place] == ["relu"]
    assert [len(layer.wanted) for layer in layers] == [
        2,
        3,
        1,
        5,
        3,
    ]  # not the images' gradient, no statistics


def test_an_in_place_layer_alone_starts_from_its_input_each_time(backend, words):
    model = adopted(backend, varied(words))
    (layer,) = [one for one in backend.isolate_layers(model, images(backend)) if one.name == "relu"]
    given = backend.to_numpy(layer.inputs[0])
    assert (given < 0).any()
    layer.forward()
    assert np.array_equal(backend.to_numpy(layer.inputs[0]), given)
    layer.in_place = False  # the fault: torch refuses to write on it, paddle forgets what it was
    with pytest.raises(Exception, match=r"in-place|[Ii]nplace"):
        layer.forward()


def test_a_trace_describes_the_first_tensor_of_a_tuple(backend, words):
    facts = {
        entry["name"]: entry for entry in backend.trace(adopted(backend, varied(words)), images(backend))
    }
    assert facts["rnn"]["output_shape"] == [2, 12, 5]
    assert facts["rnn"]["dtype"] == "float64"


@pytest.mark.parametrize("kind", ["LSTM", "GRU", "RNN"])
def test_a_recurrent_layer_opens_in_either_precision_and_is_one_layer(backend, words, kind):
    model = words.Sequential(words.recurrent(kind, 4, 3, layers=2, both_ways=True))
    for precision in ("fp64", "fp32"):
        model = adopted(backend, model, precision=precision)
        layers = backend.describe(model)["layers"]
        assert [(layer["name"], layer["type"]) for layer in layers] == [("0", kind)]
        assert {array.dtype.itemsize for array in backend.get_weights(model).values()} == {
            8 if precision == "fp64" else 4
        }
        assert backend.get_buffers(model) == {}


def test_a_recurrent_layer_has_gradients_in_evaluation_mode_and_is_left_in_it(backend, words):
    model = adopted(backend, words.Sequential(words.recurrent("LSTM", 4, 3, layers=2, both_ways=False)))
    rnn = dict(model.named_children())["0"]
    rnn.dropout = 0.5
    backend.set_training(model, False)
    x, kept = images(backend, shape=(2, 5, 4)), {}

    def compute():
        y = model(x)[0]
        return Computed(logits=y, others={}, loss=y.sum(), total=y.sum())

    plain = backend.to_numpy(model(x)[0])
    backend.record(model, compute, keep=kept.__setitem__)
    assert np.array_equal(kept["forward/logits"], plain)
    assert all(gradient.any() for gradient in backend.get_gradients(model).values())
    alone = backend.run_layer(model, "0", inputs=[backend.to_numpy(x)], gradient=np.ones_like(plain))
    assert np.array_equal(alone["output"], plain)
    assert "parameter/weight_ih_l1" in alone
    assert (rnn.training, rnn.dropout) == (False, 0.5)


def test_attention_is_one_layer_and_computes_the_same_from_packed_weights(torch_backend, paddle_backend):
    rng = np.random.default_rng(0)
    packed, bias = rng.standard_normal((24, 8)), rng.standard_normal(24)
    out = {"out_proj.weight": rng.standard_normal((8, 8)), "out_proj.bias": rng.standard_normal(8)}
    parts = {f"{name}_proj": slice(8 * place, 8 * place + 8) for place, name in enumerate("qkv")}
    split = {f"{name}.weight": packed[part] for name, part in parts.items()}
    split |= {f"{name}.bias": bias[part] for name, part in parts.items()}
    ours = adopted(torch_backend, Words("torch").nn.MultiheadAttention(8, 2, batch_first=True))
    theirs = adopted(paddle_backend, Words("paddle").nn.MultiHeadAttention(8, 2))
    torch_backend.set_weights(ours, {"in_proj_weight": packed, "in_proj_bias": bias} | out)
    paddle_backend.set_weights(theirs, split | out)
    rows, gradient = rng.standard_normal((2, 3, 5, 8)), rng.standard_normal((3, 5, 8))
    results = []
    for backend, model in ((torch_backend, ours), (paddle_backend, theirs)):
        described = backend.describe(model)
        assert described["layers"] == [
            {"name": "model", "type": "MultiheadAttention", "base": "MultiheadAttention"}
        ]
        assert {entry["type"] for entry in described["parameters"]} == {"MultiheadAttention"}
        inputs = [rows[0], rows[1], rows[1]]
        results.append(backend.run_layer(model, "model", inputs=inputs, gradient=gradient))
    for what in ("output", "input0", "input1", "parameter/out_proj.weight"):
        assert np.allclose(results[0][what], results[1][what], rtol=1e-11, atol=1e-12), what


def test_synchronised_batch_norm_is_batch_norm_on_a_cpu(backend, words):
    ours, theirs = (adopted(backend, getattr(words, kind)(3)) for kind in ("SyncBatchNorm", "BatchNorm2d"))
    x = images(backend)
    for training in (True, False):
        for layer in (ours, theirs):
            backend.set_training(layer, training)
        assert np.array_equal(backend.to_numpy(ours(x)), backend.to_numpy(theirs(x)))
    ours, theirs = (backend.get_buffers(layer) for layer in (ours, theirs))
    assert sorted(ours) == ["running_mean", "running_var"]
    assert all(np.array_equal(ours[name], theirs[name]) for name in ours)


def test_casting_leaves_tables_of_integers_and_complex_numbers_what_they_are(backend, words):
    """As a window attention's relative places: as float64 they could index nothing."""
    arrays = {
        "places": np.arange(4),
        "mean": np.linspace(0, 1, 3, dtype=np.float32),
        "mask": np.array([True, False]),
        "phases": np.array([1j, 2 + 1j], np.complex64),
    }
    model = words.Sequential(words.Linear(2, 2))
    for name, array in arrays.items():
        model.register_buffer(name, words.tensor(array))
    kept = backend.get_buffers(adopted(backend, model))
    assert list(kept) == list(arrays)
    assert [array.dtype for array in kept.values()] == [np.int64, np.float64, np.bool_, np.complex128]
    assert all(np.array_equal(kept[name], array) for name, array in arrays.items())


STYLES = [(how, parametrized) for how in ("spectral_norm", "weight_norm") for parametrized in (False, True)]


@pytest.mark.parametrize(("how", "parametrized"), STYLES)
def test_computed_weights_have_the_names_and_layout_of_torchs_hooks(backend, words, how, parametrized):
    model = words.Sequential(
        words.reweighted(words.Conv2d(3, 8, 3), how, parametrized),
        words.reweighted(words.Linear(4, 4), how, parametrized),
    )
    shapes = {
        "spectral_norm": {"0.weight_orig": (8, 3, 3, 3), "1.weight_orig": (4, 4)},
        "weight_norm": {
            "0.weight_g": (8, 1, 1, 1),
            "0.weight_v": (8, 3, 3, 3),
            "1.weight_g": (4, 1),
            "1.weight_v": (4, 4),
        },
    }[how] | {"0.bias": (8,), "1.bias": (4,)}
    vectors = {"0.weight_u", "0.weight_v", "1.weight_u", "1.weight_v"} if how == "spectral_norm" else set()
    model = adopted(backend, model)
    assert backend.parameter_shapes(model) == shapes
    assert set(backend.get_buffers(model)) == vectors
    described = backend.describe(model)
    owners = {entry["name"]: (entry["layer"], entry["type"]) for entry in described["parameters"]}
    assert owners == {name: (name[0], "Conv2d" if name[0] == "0" else "Linear") for name in shapes}
    assert [layer["base"] for layer in described["layers"]] == ["Conv2d", "Linear"]


@pytest.mark.parametrize(("how", "parametrized"), STYLES)
def test_computed_weights_of_both_compute_the_same(torch_backend, paddle_backend, how, parametrized):
    outputs = []
    weights = buffers = None
    for name, side in (("torch", torch_backend), ("paddle", paddle_backend)):
        words = Words(name)
        model = adopted(side, words.Sequential(words.reweighted(words.Linear(4, 4), how, parametrized)))
        side.set_training(model, False)
        weights = weights or side.get_weights(model)
        buffers = buffers or side.get_buffers(model)
        side.set_weights(model, weights)
        side.set_buffers(model, buffers)
        outputs.append(side.to_numpy(side.infer(model, images(side, shape=(2, 4)))))
    assert np.allclose(*outputs, rtol=1e-13, atol=0)


def test_a_square_weight_that_was_not_transposed_is_seen(paddle_backend, monkeypatch):
    weights = importlib.import_module("backends.paddle.weights")
    words = Words("paddle")
    model = adopted(
        paddle_backend, words.Sequential(words.reweighted(words.Linear(4, 4), "spectral_norm", False))
    )
    right = paddle_backend.get_weights(model)["0.weight_orig"]
    monkeypatch.setattr(weights, "TRANSPOSED", ())
    assert np.array_equal(paddle_backend.get_weights(model)["0.weight_orig"], right.T)
