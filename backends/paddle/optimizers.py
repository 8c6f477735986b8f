"""Optimizers by name, and the moments with which another run, or the other framework, goes on.

https://www.paddlepaddle.org.cn/documentation/docs/en/api/paddle/optimizer/Overview_en.html
"""

import math

import numpy as np
import paddle
from paddle import optimizer as optim

from .device import to_numpy
from .weights import flipped, like, neutral_name, neutral_parameters, read_of_each

# What torch calls the same: Adam's, Momentum's, Adagrad's, Adadelta's, RMSProp's, Rprop's.
MOMENTS = {"moment1": "exp_avg", "moment2": "exp_avg_sq", "moment2_max": "max_exp_avg_sq"}
MOMENTS |= {"velocity": "momentum_buffer", "moment": "sum", "prevs": "prev", "learning_rates": "step_size"}
MOMENTS |= {"_avg_squared_grad": "square_avg", "_avg_squared_update": "acc_delta"}
MOMENTS |= {"mean_grad": "grad_avg", "mean_square": "square_avg"}
OWN_MOMENTS = {"Adamax": {"moment": "exp_avg", "inf_norm": "exp_inf"}}
# The momentum of its RMSProp, with the rate in it, is not what torch keeps: it stays "momentum".
STEP = "beta1_pow_acc"
COUNTS = {STEP: "_beta1", "beta2_pow_acc": "_beta2"}  # as powers, one step ahead
POWERS = ("beta1_pow", "beta2_pow", "momentum_decay_pow", "mu_product", "rho")  # NAdam's and RAdam's


def make_optimizer(
    model,
    name,
    *,
    learning_rate,
    momentum=0.9,
    beta1=0.9,
    beta2=0.999,
    epsilon=1e-8,
    weight_decay=0.0,
    only=None,
):
    chosen = [
        parameter
        for name, parameter in model.named_parameters()
        if only is None or neutral_name(name) in only
    ]
    if name == "sgd":
        return optim.SGD(learning_rate, chosen, weight_decay=weight_decay)
    if name == "momentum":
        return optim.Momentum(learning_rate, momentum, chosen, weight_decay=weight_decay)
    adam = {"adam": optim.Adam, "adamw": optim.AdamW}[name]
    return adam(learning_rate, beta1, beta2, epsilon, chosen, weight_decay=weight_decay)


def get_learning_rate(optimizer):
    return float(optimizer.get_lr())


def set_learning_rate(optimizer, value):
    optimizer.set_lr(value)


def get_moments(model, optimizer, names, which=None):
    return read_of_each(model, names, lambda parameter: _moments_of(optimizer, parameter, which))


def set_moments(model, optimizer, arrays, *, updates):
    for name, parameter, transposed in neutral_parameters(model):
        own = {full.removeprefix(f"{name}/"): full for full in arrays if full.rpartition("/")[0] == name}
        if own:
            moments = {kind: like(parameter, flipped(arrays[own[kind]], transposed)) for kind in own}
            _remember(optimizer, parameter, moments, updates)


def clear_gradients(optimizer):
    optimizer.clear_grad(set_to_zero=False)  # as torch does; the default leaves zeros that decay


def gradient_norm(model):
    norms = [
        paddle.linalg.norm(parameter.grad) for parameter in model.parameters() if parameter.grad is not None
    ]
    return float(paddle.linalg.norm(paddle.stack(norms)))


def scale_gradients(model, factor):
    for parameter in model.parameters():
        if parameter.grad is not None:
            parameter.grad = parameter.grad * factor


def update(optimizer):
    optimizer.step()
    clear_gradients(optimizer)


def _moments_of(optimizer, parameter, which):
    kept = kept_of(optimizer, parameter)
    called, counts = _called(optimizer), (*COUNTS, *POWERS)
    named = {called.get(name, name): value for name, value in kept.items() if name not in counts}
    moments = {name: to_numpy(value) for name, value in named.items() if which is None or name in which}
    step = _step(optimizer, kept) if which is None or "step" in which else None
    return moments if step is None else moments | {"step": step}


def _called(optimizer):
    """Neutral names of what it keeps, by its own."""
    own = [OWN_MOMENTS[kind.__name__] for kind in type(optimizer).__mro__ if kind.__name__ in OWN_MOMENTS]
    return MOMENTS | (own[0] if own else {})


def _step(optimizer, kept):
    """Steps done, an array without axes; None where it does not count them.

    Paddle keeps beta to the power of one more in their place. Of a beta of 0 that says nothing.
    """
    for name, beta in COUNTS.items():
        base, power = float(getattr(optimizer, beta, 0.0)), kept[name].item() if name in kept else 0.0
        if 0 < base < 1 and power > 0:
            return np.array(round(math.log(power) / math.log(base)) - 1.0)
    return None


def kept_of(optimizer, parameter):
    """State of a parameter in the optimizer, by its own names."""
    kept = {name: owned.get(parameter.name) for name, owned in optimizer._accumulators.items()}
    return {name: value for name, value in kept.items() if isinstance(value, paddle.Tensor)}


def _remember(optimizer, parameter, moments, updates):
    # Only a step makes room for them: one of rate 0 on gradients of 0, which moves nothing.
    rate, parameter.grad = optimizer.get_lr(), paddle.zeros_like(parameter)
    optimizer.set_lr(0.0)
    update(optimizer)
    optimizer.set_lr(rate)
    for name, tensor in kept_of(optimizer, parameter).items():
        if name in COUNTS:  # multiplied step by step, as paddle does
            factors = np.full(updates + 1, getattr(optimizer, COUNTS[name]), to_numpy(tensor).dtype)
            tensor.set_value(factors.cumprod()[-1:])
        elif _called(optimizer).get(name) in moments:
            tensor.set_value(moments[_called(optimizer)[name]])
