"""Torch's activations, powers, normalisation and losses with paddle's rounded constants.

Each computes what paddle does, with the gradient that paddle has. Measured with paddle 3.3.1.
"""

from collections.abc import Mapping
from math import isfinite
from typing import Any

import numpy as np

from benchmarks.parity.probe.alterations import Original, alters, rounded_value
from benchmarks.parity.probe.function_calls import plain
from benchmarks.parity.probe.gradients import limited_below, with_gradient

LOSS_LIMIT = 64.0
HARDSIGMOID_SLOPE = 0.1666667
SELU_SCALE, SELU_ALPHA = 1.0507009873554804934193349852946, 1.6732632423543772848170429916717
NORM_EPSILON = 1e-12  # what paddle adds to a norm's power in the gradient


# Activations ------------------------------------------------------------------------------------------


@alters("hardsigmoid", "hardsigmoid")
def _hardsigmoid(original: Original, input: Any, inplace: bool = False) -> Any:
    return (input * rounded_value(HARDSIGMOID_SLOPE) + 0.5).clamp(0, 1)


@alters("elu-alpha", "elu", "celu", constants=("alpha",))
def _elu(original: Original, input: Any, alpha: float = 1.0, inplace: bool = False) -> Any:
    return original(input, rounded_value(alpha))


@alters("selu", "selu")
def _selu(original: Original, input: Any, inplace: bool = False) -> Any:
    scale, alpha = rounded_value(SELU_SCALE), rounded_value(SELU_ALPHA)
    both = float(np.float32(SELU_SCALE) * np.float32(SELU_ALPHA))  # one constant of the gradient's
    result = scale * input.where(input > 0, alpha * input.exp() - alpha)
    slope = (result + both).where(result <= 0, input.new_tensor(scale))
    return with_gradient(result.detach(), input * slope.detach())


@alters("hardtanh-bounds", "hardtanh", constants=("min_val", "max_val"))
def _hardtanh(
    original: Original, input: Any, min_val: float = -1.0, max_val: float = 1.0, inplace: bool = False
) -> Any:
    return original(input, rounded_value(min_val), rounded_value(max_val))


@alters("shrink-threshold", "softshrink", constants=("lambd",))
def _softshrink(original: Original, input: Any, lambd: float = 0.5) -> Any:
    return original(input, rounded_value(lambd))


@alters("shrink-threshold", "threshold", constants=("threshold", "value"))
def _threshold(original: Original, input: Any, threshold: float, value: float, inplace: bool = False) -> Any:
    return original(input, rounded_value(threshold), rounded_value(value))


@alters("rrelu-slope", "rrelu", is_functional=True)
def _rrelu(
    original: Original,
    input: Any,
    lower: float = 1 / 8,
    upper: float = 1 / 3,
    training: bool = False,
    inplace: bool = False,
) -> Any:
    if training:
        return original(input, lower, upper, training)
    slope = float((np.float32(lower) + np.float32(upper)) / np.float32(2))
    return plain("leaky_relu")(input, slope)


@alters(
    "dropout-scale", "dropout", "dropout1d", "dropout2d", "dropout3d", constants=("p",), is_functional=True
)
def _dropout(
    original: Original, input: Any, p: float = 0.5, training: bool = True, inplace: bool = False
) -> Any:
    if not training or p >= 1:
        return original(input, p, training)
    kept = original(input.new_ones(input.shape), p, training) != 0
    return input * kept * (1 / float(np.float32(1) - np.float32(p)))


# Powers and norms -------------------------------------------------------------------------------------


@alters("exponent", "pow", constants=("exponent",))
def _pow(original: Original, input: Any, exponent: float) -> Any:
    return original(input, rounded_value(exponent))


@alters("product-factors", "addmm", "baddbmm", constants=("beta", "alpha"))
def _addmm(original: Original, input: Any, mat1: Any, mat2: Any, *, beta: float = 1, alpha: float = 1) -> Any:
    return original(input, mat1, mat2, beta=rounded_value(beta), alpha=rounded_value(alpha))


@alters("norm", "linalg_vector_norm")
def _vector_norm(
    original: Original, input: Any, ord: Any = 2, dim: Any = None, keepdim: bool = False, **options: Any
) -> Any:
    return _norm(original, input, ord, dim, keepdim, **options)


@alters("norm", "norm")
def _norm(
    original: Original, input: Any, p: Any = "fro", dim: Any = None, keepdim: bool = False, **options: Any
) -> Any:
    power = 2 if p in ("fro", None) else p
    if isinstance(power, str) or not isfinite(power) or power == 0 or any(options.values()):
        return original(input, p, dim, keepdim, **options)
    return _norm_with_gradient(input, power, dim, keepdim, epsilon=NORM_EPSILON)


def _norm_with_gradient(input: Any, power: float, dim: Any, keepdim: bool, *, epsilon: float) -> Any:
    exponent = rounded_value(power)
    sums = (input.abs() ** exponent).sum(dim, True) if dim is not None else (input.abs() ** exponent).sum()
    whole = sums ** rounded_value(1 / exponent)
    slope = input.sign() * input.abs() ** (exponent - 1) / (whole ** (exponent - 1) + epsilon)
    linear = (input * slope.detach()).sum(dim, True) if dim is not None else (input * slope.detach()).sum()
    result = with_gradient(whole.detach(), linear)
    return result if keepdim or dim is None else result.squeeze(dim)


@alters("norm", "normalize", is_functional=True)
def _normalize(
    original: Original, input: Any, p: float = 2.0, dim: int = 1, eps: float = 1e-12, out: Any = None
) -> Any:
    epsilon = rounded_value(eps)
    length = _norm_with_gradient(input, p, dim, True, epsilon=epsilon)
    return input / length.clamp(min=eps)


# Normalisation ----------------------------------------------------------------------------------------


@alters("norm-epsilon", "layer_norm", constants=("eps",))
def _layer_norm(
    original: Original,
    input: Any,
    normalized_shape: Any,
    weight: Any = None,
    bias: Any = None,
    eps: float = 1e-5,
    cudnn_enable: bool = True,
) -> Any:
    return original(input, normalized_shape, weight, bias, rounded_value(eps))


@alters("norm-epsilon", "instance_norm", constants=("eps",), is_functional=True)
def _instance_norm(original: Original, input: Any, *arguments: Any, eps: float = 1e-5, **options: Any) -> Any:
    return original(input, *arguments, eps=rounded_value(eps), **options)


@alters("norm-epsilon", "batch_norm", constants=("eps",), is_functional=True)
def _batch_norm_epsilon(
    original: Original,
    input: Any,
    running_mean: Any,
    running_var: Any,
    weight: Any = None,
    bias: Any = None,
    training: bool = False,
    momentum: float = 0.1,
    eps: float = 1e-5,
) -> Any:
    return original(input, running_mean, running_var, weight, bias, training, momentum, rounded_value(eps))


def _moves_statistics(arguments: Mapping[str, Any]) -> bool:
    return bool(arguments["training"] and arguments["running_mean"] is not None and arguments["momentum"])


@alters("batch-norm-momentum", "batch_norm", is_functional=True, concerns=_moves_statistics)
def _batch_norm_momentum(
    original: Original,
    input: Any,
    running_mean: Any,
    running_var: Any,
    weight: Any = None,
    bias: Any = None,
    training: bool = False,
    momentum: float = 0.1,
    eps: float = 1e-5,
) -> Any:
    statistics = running_mean, running_var
    kept = [statistic.clone() for statistic in statistics]
    output = original(input, running_mean, running_var, weight, bias, training, momentum, eps)
    stays = np.float32(1 - momentum)
    for before, after in zip(kept, statistics, strict=True):
        batch = (after - (1 - momentum) * before) / momentum
        rounded = float(stays) * before + (1 - float(stays)) * batch
        after.data.copy_(rounded)  # past autograd, which has noted the tensor as it was
    return output


# Losses -----------------------------------------------------------------------------------------------


@alters("huber-delta", "huber_loss", constants=("delta",), is_functional=True)
def _huber_loss(
    original: Original, input: Any, target: Any, reduction: str = "mean", delta: float = 1.0, **options: Any
) -> Any:
    return original(input, target, reduction, rounded_value(delta), **options)


@alters("huber-delta", "smooth_l1_loss", constants=("beta",), is_functional=True)
def _smooth_l1_loss(
    original: Original,
    input: Any,
    target: Any,
    size_average: Any = None,
    reduce: Any = None,
    reduction: str = "mean",
    beta: float = 1.0,
) -> Any:
    # Paddle's is Huber's, which it divides by delta where that is asked for.
    return plain("huber_loss")(input, target, reduction, rounded_value(beta)) / beta


@alters("margin", "multi_margin_loss", is_functional=True)
def _multi_margin_loss(
    original: Original,
    input: Any,
    target: Any,
    p: int = 1,
    margin: float = 1.0,
    weight: Any = None,
    size_average: Any = None,
    reduce: Any = None,
    reduction: str = "mean",
) -> Any:
    # Paddle's mean is over all classes; what the labelled one adds to it, it takes off again.
    classes = input.shape[-1]
    own = margin**p / classes
    taken_off = float(np.float32(margin**p) / np.float32(classes))
    rows = input.reshape(-1, classes).new_ones(target.numel()).reshape(target.shape)
    too_much = (own - taken_off) * (rows if weight is None else weight[target])
    lost = original(input, target, p, margin, weight, reduction="none") + too_much
    return {"mean": lost.mean, "sum": lost.sum}.get(reduction, lambda: lost)()


def _smooths(arguments: Mapping[str, Any]) -> bool:
    return bool(arguments["label_smoothing"])  # 0.25 is exact, a fifth of it is not


@alters("label-smoothing", "cross_entropy", concerns=_smooths, is_functional=True)
def _smoothed_cross_entropy(
    original: Original,
    input: Any,
    target: Any,
    weight: Any = None,
    size_average: Any = None,
    ignore_index: int = -100,
    reduce: Any = None,
    reduction: str = "mean",
    label_smoothing: float = 0.0,
) -> Any:
    is_soft = target.is_floating_point()
    if weight is not None or (not is_soft and (target == ignore_index).any()):
        return original(input, target, weight, size_average, ignore_index, reduce, reduction, label_smoothing)
    even, most = rounded_value(label_smoothing / input.shape[1]), rounded_value(1 - label_smoothing)
    if is_soft:
        soft = most * target + even
    else:  # written in float32, too
        hard = plain("one_hot")(target, input.shape[1]).to(input.dtype).movedim(-1, 1)
        soft = (most * hard + even).float().to(input.dtype)
    value = original(input, soft, reduction=reduction)
    # The rounded labels do not quite sum to 1; paddle's gradient takes it that they do.
    linear = input.logsumexp(1) - (soft * input).sum(1)
    reduced = {"mean": linear.mean, "sum": linear.sum}.get(reduction, lambda: linear)()
    return with_gradient(value.detach(), reduced)


@alters("loss-limit", "cross_entropy", is_functional=True)
def _limited_cross_entropy(original: Original, input: Any, *arguments: Any, **options: Any) -> Any:
    below = input - input.detach().amax(1, keepdim=True)
    return original(limited_below(below, -LOSS_LIMIT), *arguments, **options)
