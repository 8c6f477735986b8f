"""Planted faults: each must be found in its stage, and the layer named."""

from functools import partial

from tests.pairs import differences, modern, optimizers, pairing, randomness, roundings
from tests.pairs.networks import gru_by_hand
from tests.pairs.pair import BOTH, ON_TORCH, Pair, altered, hooked, replaced


def off_by_a_millionth(words, layer, x, y):
    """One weight larger by 1e-6 of itself: adds that much of one input channel to one output channel."""
    moved = layer.weight * 1.0
    mask = (moved * 0).flatten(0)
    more = words.functional.conv2d(x, moved * _one_hot(mask, moved.shape), groups=2, padding=1)
    return y + 1e-6 * more


def _one_hot(zeros, shape):
    zeros[7] = zeros[7] + 1
    return zeros.reshape(shape)


def transposed_square(words, layer, x, y):
    return words.functional.linear(
        x, layer.weight.t() if hasattr(layer.weight, "t") else layer.weight.T, layer.bias
    )


class Counter:
    """Adds a little from its second call on."""

    def __init__(self, size):
        self.calls, self.size = 0, size

    def __call__(self, x):
        self.calls += 1
        return x * (1 + self.size * (self.calls > 1))


class Later:
    """Adds a little once it was called so often in training."""

    def __init__(self, *, calls, size):
        self.left, self.size = calls, size

    def __call__(self, words, layer, x, y):
        self.left -= layer.training
        return y * (1 + self.size * (self.left < 0))


def later(model, words):
    altered("fc", Later(calls=10, size=1e-5))(model, words)


class Remembering:
    """Adds a little of what it saw the last time."""

    def __init__(self):
        self.seen = None

    def __call__(self, x):
        before, self.seen = self.seen, x.detach().mean()
        return x if before is None else x + 1e-6 * (before - self.seen)


def halved_in_float32(words):
    def halve(x):
        return words.cast(words.cast(x, "float16"), "float32") if "float32" in str(x.dtype) else x

    return {"pooled": halve}


def doubled_in_bfloat16(words):
    return {"hidden": lambda x: x * 2 if "bfloat16" in str(x.dtype) else x}


def always_training(model, words):
    model.block2.bn2.register_forward_pre_hook(lambda layer, _: layer.train() and None)


def half_detached(words):
    return {"side": lambda x: 0.5 * x + 0.5 * words.detached(x)}


ARCHITECTURE = {
    "lrn_alpha": Pair(
        change=replaced("norm1", lambda w: w.LocalResponseNorm(5, alpha=5.5e-4, beta=0.75, k=2.0)),
        stage="forward",
        layers=("norm1",),
    ),
    "lrn_size": Pair(
        change=replaced("norm1", lambda w: w.LocalResponseNorm(3, alpha=5e-4, beta=0.75, k=2.0)),
        stage="forward",
        layers=("norm1",),
    ),
    "lrn_beta": Pair(
        change=replaced("norm1", lambda w: w.LocalResponseNorm(5, alpha=5e-4, beta=0.750001, k=2.0)),
        stage="forward",
        layers=("norm1",),
    ),
    "pool_window": Pair(
        change=replaced("pool1", lambda w: w.MaxPool2d(3, 2, padding=1)), stage="forward", layers=("pool1",)
    ),
    "pool_kind": Pair(
        change=replaced("pool1", lambda w: w.AvgPool2d(2, 2)), stage="forward", layers=("pool1",)
    ),
    "padding_mode": Pair(
        change=replaced("conv2", lambda w: w.Conv2d(8, 8, 3, padding=1, groups=2, padding_mode="circular")),
        stage="forward",
        layers=("conv2",),
    ),
    "dilation": Pair(
        change=replaced("conv2", lambda w: w.Conv2d(8, 8, 3, padding=2, groups=2, dilation=2)),
        stage="forward",
        layers=("conv2",),
    ),
    "other_activation": Pair(
        change=replaced("relu2", lambda w: w.Sigmoid()), stage="forward", layers=("relu2",)
    ),
    "missing_activation": Pair(
        change=replaced("relu3", lambda w: w.Identity()), stage="forward", layers=("relu3",)
    ),
    "activation_slope": Pair(
        network="activated", arguments={"slope": 0.0100001}, stage="forward", layers=("leaky",)
    ),
    "gelu_by_tanh": Pair(network="activated", arguments={"tanh": True}, stage="forward", layers=("gelu",)),
    "layer_norm_epsilon": Pair(
        network="activated", arguments={"eps": 1e-6}, stage="forward", layers=("norm2",)
    ),
    "batch_norm_epsilon": Pair(
        network="residual", arguments={"eps": 1e-6}, stage="forward", layers=("block1.bn1",)
    ),
    "average_counts_padding": Pair(
        network="averaged", arguments={"padding_counts": False}, stage="forward", layers=("pool1",)
    ),
    "layer_used_once": Pair(
        network="twice", arguments={"times": 1}, stage="forward", layers=("conv#2", "conv", "relu")
    ),
    "colours_swapped": Pair(
        edits=lambda w: {"input": lambda x: x.flip(1)}, stage="forward", layers=("between input and conv1",)
    ),
    "flattened_otherwise": Pair(
        edits=lambda w: {"flat": lambda x: x.reshape([x.shape[0], 8, 36]).flip(2).flatten(1)},
        stage="forward",
        layers=("between side and dropout",),
    ),
    "branch_scaled": Pair(
        edits=lambda w: {"side": lambda x: x * (1 + 1e-9)},
        stage="forward",
        layers=("between side and dropout",),
    ),
    "logits_scaled": Pair(
        edits=lambda w: {"logits": lambda x: x * (1 + 1e-7)},
        stage="forward",
        layers=("between fc3 and output",),
    ),
    "softmax_in_model": Pair(
        edits=lambda w: {"logits": lambda x: w.functional.softmax(x, -1)},
        stage="forward",
        layers=("between fc3 and output",),
    ),
}

PARAMETERS = {
    "frozen": Pair(change=lambda model, w: w.freeze(model.fc2), stage="parameters", layers=("fc2",)),
    "another_constant": Pair(
        on=("torch", "paddle"),
        change=lambda model, w: w.buffer(model, "scale", [1.0, 2.0] if w.is_torch else [1.0, 2.000001]),
        stage="parameters",
        layers=("model",),
    ),
    "one_weight_off": Pair(change=altered("conv2", off_by_a_millionth), stage="forward", layers=("conv2",)),
    "square_untransposed": Pair(change=altered("fc2", transposed_square), stage="forward", layers=("fc2",)),
    "bias_forgotten": Pair(
        change=altered("fc1", lambda w, layer, x, y: y - layer.bias), stage="forward", layers=("fc1",)
    ),
    "statistics_of_the_batch": Pair(
        network="residual",
        change=always_training,
        stage="forward",
        layers=("block2.bn2",),
    ),
    "no_bias": Pair(
        change=replaced(
            "side", lambda w: w.Conv2d(8, 8, 1, **({"bias": False} if w.is_torch else {"bias_attr": False}))
        ),
        stage="parameters",
        layers=("side",),
    ),
    "other_shape": Pair(
        change=replaced("fc3", lambda w: w.Linear(16, 6)), stage="parameters", layers=("fc3",)
    ),
    "other_type": Pair(
        network="depthwise",
        change=lambda model, w: w.Sequential(*list(model.children())[:-1], w.Linear(64, 4), w.Linear(4, 5)),
        stage="parameters",
        layers=("8",),
    ),
}


MAPPING = {
    "map_crossed": Pair(
        network="averaged",
        names={"conv1.bias": "conv2.bias", "conv2.bias": "conv1.bias"},
        stage="forward",
        layers=("conv1",),
    ),
    "map_to_nowhere": Pair(names={"fc2": "fc7"}, stage="cannot-compare", layers=("fc2",)),
}

PRECISION = {
    "cast_in_between": Pair(
        edits=lambda w: {"pooled": lambda x: w.cast(w.cast(x, "float32"), "float64")},
        stage="forward",
        layers=("between pool1 and conv2",),
    ),
    "cast_in_a_layer": Pair(
        change=altered("fc1", lambda w, layer, x, y: w.cast(w.cast(y, "float32"), str(x.dtype)[-7:])),
        stage="forward",
        layers=("fc1",),
    ),
    "half_where_float32_is_asked_for": Pair(edits=halved_in_float32, stage="float32", layers=("conv2",)),
    "cast_on_torchs_side": Pair(
        on=ON_TORCH,
        edits=lambda w: {"hidden": lambda x: w.cast(w.cast(x, "float32"), "float64")},
        stage="forward",
        layers=("between relu3 and fc2",),
    ),
}

RANDOMNESS_AND_STATE = {
    "noise": Pair(
        change=altered("relu2", lambda w, layer, x, y: w.noise(y, 1e-9)), stage="repeat", layers=("relu2",)
    ),
    "noise_on_torchs_side": Pair(
        on=ON_TORCH,
        change=altered("relu2", lambda w, layer, x, y: w.noise(y, 1e-9)),
        stage="repeat",
        layers=("relu2",),
    ),
    "dropout_in_evaluation": Pair(
        edits=lambda w: {"flat": lambda x: w.functional.dropout(x, 0.1, training=True)},
        stage="repeat",
        layers=("between side and dropout",),
    ),
    "second_call_differs": Pair(
        edits=lambda w: {"hidden": Counter(1e-6)}, stage="repeat", layers=("between relu3 and fc2",)
    ),
    "remembers_the_last_call": Pair(
        edits=lambda w: {"to side": Remembering()}, stage="repeat", layers=("between relu2 and side",)
    ),
    "dropout_rate": Pair(
        change=replaced("dropout", lambda w: w.Dropout(0.499)), stage="train-mode", layers=("dropout",)
    ),
    "dropout_mode": Pair(
        change=replaced("dropout", lambda w: w.nn.Dropout(0.5, mode="downscale_in_infer")),
        stage="forward",
        layers=("dropout",),
    ),
    "dropout_by_channel": Pair(
        network="averaged",
        on=("torch", "paddle"),
        change=replaced("act1", lambda w: w.Dropout(0.5) if w.is_torch else w.Dropout2d(0.5)),
        stage="train-mode",
        layers=("act1",),
    ),
    "batch_norm_momentum": Pair(
        network="residual", arguments={"momentum": 0.11}, stage="train-mode", layers=("block1.bn1",)
    ),
}

GRADIENTS = {
    "half_detached": Pair(edits=half_detached, stage="gradients", layers=("between side and dropout",)),
    "smallest_bias": Pair(change=hooked("conv1.bias", 1.001), stage="gradients", layers=("conv1",)),
    "zeroed": Pair(change=hooked("conv1.weight", 0.0), stage="gradients", layers=("conv1",)),
    "doubled": Pair(change=hooked("conv1.weight", 2.0), stage="gradients", layers=("conv1",)),
    "sign_flipped": Pair(change=hooked("fc2.weight", -1.0), stage="gradients", layers=("fc2",)),
    "one_in_a_billion": Pair(change=hooked("fc3.bias", 1 + 1e-9), stage="gradients", layers=("fc3",)),
    "layer_detached": Pair(
        change=altered("side", lambda w, layer, x, y: w.detached(y)),
        stage="gradients",
        layers=("side", "between side and dropout"),
    ),
}

OWN_PARTS = {
    "loss_summed": Pair(own=("loss",), stage="loss"),
    "loss_smoothed_more": Pair(own=("loss",), stage="loss"),
    "loss_in_float32": Pair(own=("loss",), stage="loss"),
    "loss_slightly_scaled": Pair(own=("loss",), stage="loss"),
    "data_label_swapped": Pair(own=("data",), stage="data"),
    "data_other_order": Pair(own=("data",), stage="data"),
    "data_other_deviation": Pair(own=("data",), stage="data"),
    "metric_top4": Pair(own=("metric",), stage="metrics"),
    "metric_divisor": Pair(own=("metric",), stage="metrics"),
    "optimizer_bias_without_decay": Pair(own=("optimizer",), stage="optimizer", layers=("fc2",)),
    "optimizer_momentum": Pair(own=("optimizer",), stage="optimizer"),
    "optimizer_nesterov": Pair(own=("optimizer",), stage="optimizer"),
    "optimizer_epsilon": Pair(own=("optimizer",), stage="optimizer"),
    "optimizer_decoupled": Pair(own=("optimizer",), stage="optimizer"),
    "optimizer_rate_of_one_layer": Pair(own=("optimizer",), stage="optimizer", layers=("conv1",)),
    "optimizer_schedule_factor": Pair(own=("optimizer",), stage="optimizer"),
    "optimizer_schedule_period": Pair(own=("optimizer",), stage="optimizer"),
    # Beside a bias whose gradient is all rounding, which training must let pass.
    "optimizer_cancelling_later": Pair(
        network="activated",
        change=later,
        own=("optimizer",),
        steps=20,
        stage="training",
    ),
}

# Each ten times as large as what the known rounding of the same place moves.
BESIDE_KNOWN_ROUNDINGS = {
    "beside_window": Pair(change=hooked("conv1.weight", 1 + 2e-10), stage="gradients", layers=("conv1",)),
    "beside_average": Pair(
        network="averaged", change=hooked("conv1.weight", 1 + 2e-7), stage="gradients", layers=("conv1",)
    ),
    "beside_slope": Pair(
        network="squeezed",
        change=altered("3", lambda w, layer, x, y: y * (1 + 1e-6)),
        stage="forward",
        layers=("3",),
    ),
    "beside_epsilon": Pair(
        network="activated", arguments={"eps": 1.00001e-5}, stage="forward", layers=("norm2",)
    ),
    "beside_momentum": Pair(
        network="residual",
        arguments={"momentum": 0.1 + 2.4e-7},
        stage="train-mode",
        layers=("block1.bn1",),
        tensor="block1.bn1.running_mean",
    ),
    "beside_dropout_scale": Pair(
        on=("torch", "paddle"),
        change=replaced("dropout", lambda w: w.Dropout(0.3 if w.is_torch else 0.3 + 1.2e-7)),
        stage="train-mode",
        layers=("dropout",),
    ),
    "loss_beside_smoothing": Pair(own=("loss",), stage="loss"),
    "loss_beside_limit": Pair(own=("loss",), stage="loss"),
    "loss_beside_certain": Pair(own=("loss",), stage="gradients"),
    "optimizer_beside_momentum": Pair(own=("optimizer",), stage="optimizer"),
}


def _on_paddle(more, **both):
    """Arguments of both sides, and more of paddle's."""
    return lambda words: both | ({} if words.is_torch else more)


def _swapped_halves(words, layer, x, result):
    y, state = result
    return words.stacked([y[:, :, 8:], y[:, :, :8]], 2).flatten(2), state


WHOLE_LAYERS = {
    "lstm_directions_swapped": Pair(
        network="recurrent",
        on=BOTH,
        arguments={"both_ways": True},
        change=lambda model, w: None if w.is_torch else altered("rnn", _swapped_halves)(model, w),
        stage="forward",
        layers=("rnn",),
    ),
    "lstm_state_forgotten": Pair(
        network="recurrent",
        change=altered("rnn", lambda w, layer, x, result: (result[0] * (1 + 1e-9), result[1])),
        stage="forward",
        layers=("rnn",),
    ),
    "gru_gate_order": Pair(
        network="recurrent",
        on=BOTH,
        arguments=_on_paddle({"by_hand": partial(gru_by_hand, order=(1, 0, 2))}, kind="GRU"),
        stage="forward",
        layers=("rnn",),
    ),
    "recurrent_bias_twice": Pair(
        network="recurrent",
        change=hooked("rnn.bias_hh_l0", 1 + 1e-9),
        stage="gradients",
        layers=("rnn",),
    ),
    "spectral_norm_iterations": Pair(
        network="reweighted",
        on=BOTH,
        arguments=_on_paddle({"n_power_iterations": 2}, how="spectral_norm"),
        stage="train-mode",
        layers=("conv1",),
    ),
    "spectral_norm_axis": Pair(
        network="reweighted",
        on=BOTH,
        arguments=_on_paddle({"dim": 1}, how="spectral_norm"),
        stage="forward",
        layers=("conv1",),
    ),
    "weight_norm_axis": Pair(
        network="reweighted",
        on=BOTH,
        arguments=_on_paddle({"dim": 0}, how="weight_norm"),
        stage="parameters",
        layers=("fc1",),
    ),
    "weight_norm_gradient": Pair(
        network="reweighted",
        on=BOTH,
        arguments={"how": "weight_norm"},
        change=lambda model, w: None if w.is_torch else hooked("fc2.weight_g", 1 + 1e-9)(model, w),
        stage="gradients",
        layers=("fc2",),
    ),
}

OPTIMIZERS = {
    f"optimizer_{name}": Pair(network="plain", own=("optimizer",), stage="optimizer")
    for name in optimizers.UNEQUAL
}

# The frameworks' defaults differ here.
TRUE_DIFFERENCES = {
    "instance_norm_has_weights": Pair(
        network="activated",
        change=replaced("norm1", lambda w: w.nn.InstanceNorm2D(8)),
        stage="parameters",
        layers=("norm1",),
    ),
}

PAIRS = {
    **ARCHITECTURE,
    **PARAMETERS,
    **MAPPING,
    **pairing.FAULTY,
    **PRECISION,
    **RANDOMNESS_AND_STATE,
    **GRADIENTS,
    **OWN_PARTS,
    **BESIDE_KNOWN_ROUNDINGS,
    **WHOLE_LAYERS,
    **OPTIMIZERS,
    **TRUE_DIFFERENCES,
    **differences.FAULTY,
    **modern.FAULTY,
    **roundings.FAULTS,
    **randomness.FAULTS,
}
