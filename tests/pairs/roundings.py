"""Constants that paddle rounds, as layers and as functions, and beside each a fault ten times as large.

The operation stands behind the side branch of the small network, whose numbers have both signs, or in
the place of its ReLU.
"""

import importlib

from tests.pairs.pair import Pair, replaced

BOTH = ("torch", "paddle")
BRANCH = ("between side and dropout",)
OFF = 1.2e-7  # ten times what float32 makes of 0.3


def behind(operation, **found):
    """A pair that does this behind its side branch: ``operation(words, x)``."""
    return Pair(on=BOTH, edits=lambda w: {"side": lambda x: operation(w, x)}, **found)


def by(make, **found):
    """A pair with this layer in the place of ReLU."""
    return Pair(on=BOTH, change=replaced("relu2", make), **found)


def masked(make, place="dropout", **found):
    """A pair with this layer in the place of one that is named."""
    return Pair(on=BOTH, change=replaced(place, make), **found)


FORWARD = {"stage": "forward", "layers": BRANCH}
IN_LAYER = {"stage": "forward", "layers": ("relu2",)}


def on_paddle(words, size):
    return 0.0 if words.is_torch else size


# Operations -------------------------------------------------------------------------------------------


def hardsigmoid(words, x, off=0.0):
    return words.functional.hardsigmoid(x) * (1 + on_paddle(words, off))


def slope_of_a_fifth(words, x):
    more = {} if words.is_torch else {"slope": 0.2}
    return words.functional.hardsigmoid(x, **more)


def elu(words, x, off=0.0):
    return words.functional.elu(x, 0.3 + on_paddle(words, off))


def selu(words, x, off=0.0):
    return words.functional.selu(x) * (1 + on_paddle(words, off))


def thresholded(words, x, off=0.0):
    own = words.functional.threshold if words.is_torch else words.functional.thresholded_relu
    return own(x, 0.3, 0.1 + on_paddle(words, off))


def threshold_for_value(words, x):
    own = words.functional.threshold if words.is_torch else words.functional.thresholded_relu
    return own(x, *((0.3, 0.1) if words.is_torch else (0.1, 0.3)))


def third_root(words, x, off=0.0):
    return (x.abs() + 0.1) ** (1 / 3 + on_paddle(words, off))


def power_in_place(words, x):
    y = x.abs() + 0.1
    return y.pow_(0.3) if words.is_torch else y**0.3


def power_by_name(words, x):
    return importlib.import_module(words.framework).pow(x.abs() + 0.1, 0.3)


def widened(words, x, *, mode, size=10, off=0.0, **more):
    wide = words.functional.interpolate(x, size=(size, size), mode=mode, **more)
    return wide[:, :, :6, :6] * (1 + on_paddle(words, off))


def tripled(words, x):
    return words.functional.interpolate(x, scale_factor=3, mode="bilinear")[:, :, 3:9, 3:9]


def shrunk_by_area(words, x):
    small = words.functional.interpolate(x, size=(4, 4), mode="area")
    return words.functional.interpolate(small, size=(6, 6), mode="nearest")


def deepened(words, x):
    more = {} if words.is_torch else {"data_format": "NCDHW"}
    deep = x.reshape([x.shape[0], 1, 8, 6, 6])
    wide = words.functional.interpolate(deep, size=(11, 9, 7), mode="trilinear", **more)
    return wide[:, 0, :8, :6, :6]


def aligned_by_mode(words, x):
    more = {} if words.is_torch else {"align_mode": 1}
    return words.functional.interpolate(x, size=(10, 10), mode="bilinear", **more)[:, :, :6, :6]


def aligned_on_paddle(words, x):
    return widened(words, x, mode="bilinear", align_corners=not words.is_torch)


def other_mode(words, x):
    return widened(words, x, mode="bicubic" if words.is_torch else "bilinear")


def lp_pooled(words, x, off=0.0):
    pooled = words.functional.lp_pool2d(x.abs() + 0.1, 3.0, 2, 2) * (1 + on_paddle(words, off))
    return words.functional.interpolate(pooled, scale_factor=2, mode="nearest")


def pooled_by_function(words, x):
    more = {"count_include_pad": False} if words.is_torch else {"exclusive": True}
    return words.functional.avg_pool2d(x, 3, 1, 1, **more) - words.functional.adaptive_avg_pool2d(x, 1)


def averaged_rows(words, x, off=0.0):
    rows = x.flatten(2)
    return (
        x
        * words.functional.avg_pool1d(rows, 3, 1, 1, **_counting(words)).reshape(x.shape)
        * (1 + on_paddle(words, off))
    )


def _counting(words):
    return {"count_include_pad": True} if words.is_torch else {"exclusive": False}


def scaled_tanh(words, x, scale=1.0):
    """Paddle's own function keeps its factors in float32; torch has none, and so no table knows them."""
    own = importlib.import_module(words.framework)
    return scale * own.tanh(0.67 * x) if words.is_torch else own.stanh(x, 0.67, scale)


def norm_of_three(words, x, off=0.0):
    return x / x.norm(3 + on_paddle(words, off), 1, True)


def normalized(words, x):
    return words.functional.normalize(x)


def mean_and_gate(words, x, off=0.0):
    """A gate after an average: by the pool in paddle, by a mean in torch."""
    mean = x.mean((2, 3), True) if words.is_torch else words.functional.adaptive_avg_pool2d(x, 1)
    gate = words.functional.hardsigmoid(mean * 3)
    return x * gate * (1 + on_paddle(words, off))


def mean_in_both(words, x):
    return x * words.functional.hardsigmoid(x.mean((2, 3) if words.is_torch else [2, 3], keepdim=True))


def added_products(words, x, off=0.0):
    own = importlib.import_module(words.framework)
    flat = x.reshape([-1, 6])
    return own.addmm(flat, flat, flat[:6], beta=0.3, alpha=0.7 + on_paddle(words, off)).reshape(x.shape)


def normalized_rows(words, x, eps=1e-5):
    return words.functional.layer_norm(
        x * 1e-2, (6,), **{"eps" if words.is_torch else "epsilon": 1e-5 + on_paddle(words, eps - 1e-5)}
    )


def shifted(make, size):
    """A layer of torch's and one of paddle's with an argument that is this much larger."""
    return lambda w: make(w, on_paddle(w, size))


INNOCENTS = {
    "rounded_hardsigmoid": behind(hardsigmoid),
    "rounded_elu": behind(elu),
    "rounded_elu_layer": by(lambda w: w.ELU(0.3)),
    "rounded_celu_layer": by(lambda w: w.CELU(0.3)),
    "rounded_selu": behind(selu),
    "rounded_selu_layer": by(lambda w: w.SELU()),
    "rounded_hardtanh_layer": by(lambda w: w.Hardtanh(-0.3, 0.3)),
    "rounded_softshrink_layer": by(lambda w: w.Softshrink(0.3)),
    "rounded_threshold": behind(thresholded),
    "rounded_third_root": behind(third_root),
    "rounded_power_in_place": behind(power_in_place),
    "rounded_power_by_name": behind(power_by_name),
    "rounded_bilinear": behind(lambda w, x: widened(w, x, mode="bilinear")),
    "rounded_bilinear_aligned": behind(lambda w, x: widened(w, x, mode="bilinear", align_corners=True)),
    "rounded_bicubic": behind(lambda w, x: widened(w, x, mode="bicubic")),
    "rounded_bicubic_aligned": behind(lambda w, x: widened(w, x, mode="bicubic", align_corners=True)),
    "rounded_by_a_factor": behind(tripled),
    "rounded_by_area": behind(shrunk_by_area),
    "rounded_trilinear": behind(deepened),
    "rounded_upsample_layer": by(
        lambda w: w.Sequential(w.Upsample(size=(11, 11), mode="bilinear"), w.AvgPool2d(6, 1))
    ),
    "rounded_lp_pool": behind(lp_pooled),
    "rounded_pools": behind(pooled_by_function),
    "rounded_rows": behind(averaged_rows),
    "rounded_norm": behind(norm_of_three),
    "rounded_normalize": behind(normalized),
    "rounded_mean_for_a_pool": behind(mean_and_gate),
    "mean_in_both": behind(mean_in_both),
    "rounded_addmm": behind(added_products),
    "rounded_layer_norm": behind(normalized_rows),
    "rounded_response_beta": masked(lambda w: w.LocalResponseNorm(5, alpha=0.5, beta=0.7, k=1.3), "norm1"),
    "loss_huber": Pair(own=("loss",)),
    "loss_smooth_l1": Pair(own=("loss",)),
    "loss_margin": Pair(own=("loss",)),
    "loss_shares": Pair(own=("loss",)),
    "loss_smoothed_sum": Pair(own=("loss",)),
    "dropout_of_a_tenth": masked(lambda w: w.Dropout(0.1)),
    "dropout_of_a_fifth_in_place": masked(
        lambda w: w.nn.Dropout(0.2, inplace=True) if w.is_torch else w.nn.Dropout(0.2)
    ),
    "dropout_in_place_on_both": masked(lambda w: w.nn.Dropout(0.4, inplace=True)),
    "dropout_alpha": masked(lambda w: w.AlphaDropout(0.15)),
    "dropout_of_channels": masked(lambda w: w.Dropout2d(0.3), "relu2"),
    "dropout_before_flattening": Pair(network="dropped", arguments={"flattened": False}),
}

FAULTS = {
    "beside_hardsigmoid": behind(lambda w, x: hardsigmoid(w, x, 1e-6), **FORWARD),
    "hardsigmoid_by_a_fifth": behind(slope_of_a_fifth, **FORWARD),
    "beside_elu": behind(lambda w, x: elu(w, x, OFF), **FORWARD),
    "beside_elu_layer": by(shifted(lambda w, off: w.ELU(0.3 + off), OFF), **IN_LAYER),
    "elu_alpha_as_slope": by(lambda w: w.ELU(0.3) if w.is_torch else w.LeakyReLU(0.3), **IN_LAYER),
    "beside_celu": by(shifted(lambda w, off: w.CELU(0.3 + off), OFF), **IN_LAYER),
    "beside_selu": behind(lambda w, x: selu(w, x, 3e-7), **FORWARD),
    "beside_hardtanh": by(shifted(lambda w, off: w.Hardtanh(-0.3 - off, 0.3 + off), OFF), **IN_LAYER),
    "beside_softshrink": by(shifted(lambda w, off: w.Softshrink(0.3 + off), OFF), **IN_LAYER),
    "beside_threshold": behind(lambda w, x: thresholded(w, x, OFF), **FORWARD),
    "threshold_for_value": behind(threshold_for_value, **FORWARD),
    "beside_third_root": behind(lambda w, x: third_root(w, x, 1e-7), **FORWARD),
    "beside_bilinear": behind(lambda w, x: widened(w, x, mode="bilinear", off=3e-6), **FORWARD),
    "bilinear_aligned_on_one_side": behind(aligned_on_paddle, **FORWARD),
    "bilinear_of_another_mode": behind(aligned_by_mode, **FORWARD),
    "bicubic_for_bilinear": behind(other_mode, **FORWARD),
    "beside_lp_pool": behind(lambda w, x: lp_pooled(w, x, 4e-7), **FORWARD),
    "beside_rows": behind(lambda w, x: averaged_rows(w, x, 3e-7), **FORWARD),
    "unknown_constant": behind(scaled_tanh, **FORWARD),
    "two_unknown_constants": behind(lambda w, x: scaled_tanh(w, x, 1.7159), **FORWARD),
    "beside_norm": behind(lambda w, x: norm_of_three(w, x, 1e-6), **FORWARD),
    "beside_mean_for_a_pool": behind(lambda w, x: mean_and_gate(w, x, 6e-7), **FORWARD),
    "beside_addmm": behind(lambda w, x: added_products(w, x, OFF), **FORWARD),
    "beside_layer_norm": behind(lambda w, x: normalized_rows(w, x, 1.00001e-5), **FORWARD),
    "beside_response_beta": masked(
        shifted(lambda w, off: w.LocalResponseNorm(5, alpha=0.5, beta=0.7 + off, k=1.3), 3e-7),
        "norm1",
        stage="forward",
        layers=("norm1",),
    ),
    "loss_beside_huber": Pair(own=("loss",), stage="loss"),
    "loss_beside_margin": Pair(own=("loss",), stage="loss"),
    "loss_beside_shares": Pair(own=("loss",), stage="loss"),
    "loss_beta_for_delta": Pair(own=("loss",), stage="loss"),
    "beside_dropout_of_a_tenth": masked(
        shifted(lambda w, off: w.Dropout(0.1 + off), 1.5e-7), stage="train-mode", layers=("dropout",)
    ),
    "beside_dropout_in_place": masked(
        shifted(lambda w, off: w.nn.Dropout(0.4 + off, inplace=True), 1.5e-7),
        stage="train-mode",
        layers=("dropout",),
    ),
    "dropout_of_channels_on_one_side": masked(
        lambda w: w.Dropout2d(0.3) if w.is_torch else w.Dropout(0.3),
        "relu2",
        stage="train-mode",
        layers=("relu2",),
    ),
    "dropout_for_alpha_dropout": masked(
        lambda w: w.AlphaDropout(0.15) if w.is_torch else w.Dropout(0.15),
        stage="train-mode",
        layers=("dropout",),
    ),
}
