"""Optimizers by name, and the moments with which another run, or the other framework, goes on.

https://docs.pytorch.org/docs/stable/optim.html
"""

import torch
from torch import optim

from .device import to_numpy
from .weights import flipped, like, neutral_name, neutral_parameters, read_of_each

MOMENTS = {}  # the neutral names of what optimizers keep are torch's own
OWN_MOMENTS = {}
STEP = "step"
COUNTS = (STEP,)
POWERS = ("mu_product",)  # NAdam's


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
        return optim.SGD(chosen, learning_rate, weight_decay=weight_decay)
    if name == "momentum":
        return optim.SGD(chosen, learning_rate, momentum, weight_decay=weight_decay)
    adam = {"adam": optim.Adam, "adamw": optim.AdamW}[name]
    return adam(chosen, learning_rate, (beta1, beta2), epsilon, weight_decay)


def get_learning_rate(optimizer):
    return float(optimizer.param_groups[0]["lr"])


def set_learning_rate(optimizer, value):
    for group in optimizer.param_groups:
        group["lr"] = value


def get_moments(model, optimizer, names, which=None):
    return read_of_each(model, names, lambda parameter: _moments_of(optimizer, parameter, which))


def set_moments(model, optimizer, arrays, *, updates):
    for name, parameter, transposed in neutral_parameters(model):
        own = {full.removeprefix(f"{name}/"): full for full in arrays if full.rpartition("/")[0] == name}
        if own:
            moments = {kind: like(parameter, flipped(arrays[own[kind]], transposed)) for kind in own}
            _remember(optimizer, parameter, moments, updates)


def clear_gradients(optimizer):
    optimizer.zero_grad()


def gradient_norm(model):
    norms = [
        torch.linalg.norm(parameter.grad) for parameter in model.parameters() if parameter.grad is not None
    ]
    return float(torch.linalg.norm(torch.stack(norms)))


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
    """Steps done, an array without axes; None where it does not count them."""
    return to_numpy(kept[STEP]).reshape(()) if STEP in kept else None


def kept_of(optimizer, parameter):
    """State of a parameter in the optimizer, by its own names."""
    kept = optimizer.state.get(parameter, {})
    return {name: value for name, value in kept.items() if isinstance(value, torch.Tensor)}


def _remember(optimizer, parameter, moments, updates):
    optimizer.state[parameter] = dict(moments)
    if "exp_avg" in moments:
        optimizer.state[parameter]["step"] = torch.tensor(float(updates))
