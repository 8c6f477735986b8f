"""Dropout, made comparable: what each layer does to ones, and masks drawn elsewhere in its place."""

from contextlib import contextmanager
from functools import partial
from math import prod

import torch
from torch import nn

from .device import to_numpy
from .inspection import RECURRENT, WHOLE, leaves
from .weights import like

ELEMENTWISE = (nn.Dropout, nn.AlphaDropout)
CHANNELWISE = (nn.Dropout1d, nn.Dropout2d, nn.Dropout3d, nn.FeatureAlphaDropout)
ALPHA = (nn.AlphaDropout, nn.FeatureAlphaDropout)
AXES = {nn.Dropout1d: 1, nn.Dropout3d: 3}  # behind the channels; others take 2
PROBE = (256, 256)  # one decision an element, also where whole channels are dropped
SATURATION = -1.7580993408473766  # what alpha dropout puts in the place of a number: SELU's lower limit


def measure_dropout(model):
    return [_facts(name, layer) for name, layer in _dropouts(model)]


@contextmanager
def masked_dropout(model, draw):
    layers = dict(_dropouts(model))
    for name, layer in layers.items():
        layer.forward = _masked(layer, name, partial(draw, name))
    try:
        yield
    finally:
        for layer in layers.values():
            del layer.forward


def inner_dropout(model):
    return [{"name": name, "rate": _inner_rate(layer)} for name, layer in _droppers(model)]


@contextmanager
def without_inner_dropout(model):
    rates = [(layer, layer.dropout) for _, layer in _droppers(model)]
    for layer, _ in rates:
        layer.dropout = 0.0
    try:
        yield
    finally:
        for layer, rate in rates:
            layer.dropout = rate


def _droppers(model):
    return [(name, layer) for name, layer in leaves(model).items() if isinstance(layer, WHOLE)]


def _inner_rate(layer):
    # Between recurrent layers that lie on each other: one alone drops nothing.
    drops = not isinstance(layer, RECURRENT) or layer.num_layers > 1
    return float(layer.dropout) if drops else 0.0


def _masked(layer, name, draw):
    def forward(x):
        if not layer.training:
            return x
        shape = _mask_shape(layer, tuple(x.shape))
        mask = draw(shape, float(layer.p))
        if mask is None:
            return type(layer).forward(layer, x)
        if mask.size != prod(shape):
            raise ValueError(f"{name}: a dropout mask of shape {mask.shape} for an input of {tuple(x.shape)}")
        return _dropped(layer, x, like(x, mask.reshape(shape)))

    return forward


def _mask_shape(layer, shape):
    return (*shape[:2], *(1 for _ in shape[2:])) if _is_channelwise(layer) else shape


def _is_channelwise(layer):
    return isinstance(layer, CHANNELWISE)


def _dropped(layer, x, mask):
    if not isinstance(layer, ALPHA):
        return x * (mask * _scale(layer))
    scale = ((1 - layer.p) * (1 + layer.p * SATURATION**2)) ** -0.5
    return (x * mask + SATURATION * (1 - mask) - SATURATION * layer.p) * scale


def _scale(layer):
    return 1 / (1 - layer.p) if layer.p < 1 else 0.0


def _facts(name, layer):
    before = layer.training
    layer.train()
    trained = to_numpy(layer(_ones(layer)))
    layer.eval()
    evaluated = to_numpy(layer(_ones(layer)))
    layer.train(before)
    kept = trained.max()
    return {
        "name": name,
        "rate": float(layer.p),
        "channelwise": _is_channelwise(layer),
        "decisions": trained.size,
        "dropped": int((trained != kept).sum()) if kept else trained.size,
        "scale": float(kept),
        "evaluation": float(evaluated.max()),
    }


def _ones(layer):
    # New ones each time: a layer may work in place.
    axes = next((axes for kind, axes in AXES.items() if isinstance(layer, kind)), 2)
    return torch.ones((*PROBE, *(1 for _ in range(axes))), dtype=torch.float64)


def _dropouts(model):
    kinds = (*ELEMENTWISE, *CHANNELWISE)
    return [(name, layer) for name, layer in leaves(model).items() if isinstance(layer, kinds)]


def seed_dropout(seed):
    # Not torch.manual_seed: without a GPU it queues a call for one, with a stack trace, every time.
    torch.default_generator.manual_seed(seed)
    if torch.cuda.is_initialized():
        torch.cuda.manual_seed(seed)
