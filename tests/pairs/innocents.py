"""Innocent differences: each must pass."""

from tests.pairs import differences, modern, optimizers, pairing, randomness, roundings
from tests.pairs.networks import gru_by_hand
from tests.pairs.pair import BOTH, ON_TORCH, Pair, replaced


def _scaled(size):
    return {"on": ("torch", "paddle"), "edits": lambda words: {"input": lambda x: x * size}}


def _frozen(model, words):
    words.freeze(model.conv1)


def _third_dropped(model, words):
    model.dropout = words.Dropout(0.3)


WHOLE_LAYERS = {
    "lstm": Pair(network="recurrent"),
    "lstm_both_ways": Pair(network="recurrent", on=BOTH, arguments={"both_ways": True}),
    "lstm_deep": Pair(network="recurrent", on=BOTH, arguments={"layers": 2}),
    "gru_both_ways": Pair(network="recurrent", on=BOTH, arguments={"kind": "GRU", "both_ways": True}),
    "gru_by_hand": Pair(
        network="recurrent",
        on=BOTH,
        arguments=lambda words: {"kind": "GRU"} | ({} if words.is_torch else {"by_hand": gru_by_hand}),
    ),
    "plain_recurrence": Pair(network="recurrent", on=BOTH, arguments={"kind": "RNN", "layers": 2}),
    "spectral_norm": Pair(network="reweighted", on=BOTH, arguments={"how": "spectral_norm"}),
    "weight_norm": Pair(network="reweighted", on=BOTH, arguments={"how": "weight_norm"}),
    "weight_norm_parametrized": Pair(
        network="reweighted", on=BOTH, arguments={"how": "weight_norm", "parametrized": True}
    ),
}

PAIRS = {
    **WHOLE_LAYERS,
    **{f"optimizer_{name}": Pair(network="plain", own=("optimizer",)) for name in optimizers.EQUAL},
    "equal_small": Pair(),
    "equal_depthwise": Pair(network="depthwise"),
    "equal_grouped": Pair(network="grouped"),
    "equal_averaged": Pair(network="averaged"),
    "equal_activated": Pair(network="activated"),
    "equal_twice": Pair(network="twice"),
    "constants_rounded": Pair(network="squeezed"),
    "other_names": Pair(network="renamed", arguments={"other_names": True}),
    "relu_after_pool": Pair(network="plain", arguments={"pool_first": True}),
    "functional_relu": Pair(network="plain", arguments={"functional": True}),
    "relu_in_place": Pair(network="plain", on=("torch",), arguments={"in_place": True}),
    "layers_that_do_nothing": Pair(network="plain", arguments={"more_layers": True}),
    "defined_in_another_order": Pair(network="plain", arguments={"reordered": True}),
    "padding_layer": Pair(network="padded", arguments={"apart": True}),
    "mean_for_a_pool": Pair(network="averaging", arguments={"functional": True}),
    "large_inputs": Pair(**_scaled(1e4)),
    "tiny_inputs": Pair(**_scaled(1e-9)),
    "frozen_on_both": Pair(on=("torch", "paddle"), change=_frozen),
    "dropout_of_a_third": Pair(on=("torch", "paddle"), change=_third_dropped),
    "buffer_that_nobody_reads": Pair(change=lambda model, w: w.buffer(model, "unread", [1.0, 2.0])),
    "linear_layers_swapped_names": Pair(
        network="plain", change=replaced("relu1", lambda w: w.ReLU()), names={"fc2": "fc2"}
    ),
    "losses_beyond_the_limit": Pair(
        on=("torch", "paddle"), edits=lambda words: {"logits": lambda x: x * 1e4}
    ),
    "loss_certain": Pair(own=("loss",)),
    "loss_smoothed": Pair(own=("loss",)),
    "optimizer_equal": Pair(own=("optimizer",)),
    "optimizer_cancelling": Pair(network="activated", own=("optimizer",), steps=20),
    "data_near_tie": Pair(network="near_tie", own=("data",)),
    "data_near_tie_by_function": Pair(network="near_tie", own=("data",), given={"by_function": True}),
    "data_near_tie_padded": Pair(network="padded_near_tie", own=("data",), arguments={"apart": True}),
    "data_near_tie_padded_on_torch": Pair(
        network="padded_near_tie", own=("data",), on=ON_TORCH, arguments={"apart": True}
    ),
    "data_equal": Pair(own=("data", "metric")),
    **differences.PROVEN,
    **modern.INNOCENT,
    **pairing.INNOCENT,
    **roundings.INNOCENTS,
    **randomness.INNOCENT,
}
