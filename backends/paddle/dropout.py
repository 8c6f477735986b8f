"""Dropout, made comparable: what each layer does to ones, and masks drawn elsewhere in its place."""

from contextlib import contextmanager
from functools import partial

import paddle
from paddle import nn

from .device import to_numpy
from .inspection import leaves
from .weights import like

ELEMENTWISE = (nn.Dropout,)
CHANNELWISE = (nn.Dropout2D, nn.Dropout3D)
PROBE = (256, 256, 1, 1)  # one decision an element, also where whole channels are dropped


def measure_dropout(model):
    return [_facts(name, layer) for name, layer in _dropouts(model)]


@contextmanager
def masked_dropout(model, draw):
    layers = dict(_dropouts(model))
    for name, layer in layers.items():
        layer.forward = _masked(layer, partial(draw, name))
    try:
        yield
    finally:
        for layer in layers.values():
            del layer.forward


def _masked(layer, draw):
    def forward(x):
        if not layer.training:
            return x * (1.0 if _scales_in_training(layer) else 1 - layer.p)
        mask = draw(tuple(x.shape), float(layer.p))
        if mask is None:
            return type(layer).forward(layer, x)
        return x * (like(x, mask) * _scale(layer))

    return forward


def _scale(layer):
    return 1 / (1 - layer.p) if _scales_in_training(layer) else 1.0


def _scales_in_training(layer):
    return getattr(layer, "mode", "upscale_in_train") == "upscale_in_train"


def _facts(name, layer):
    ones = paddle.ones(PROBE, dtype=paddle.float64)
    before = layer.training
    layer.train()
    trained = to_numpy(layer(ones))
    layer.eval()
    evaluated = to_numpy(layer(ones))
    layer.training = before
    return {
        "name": name,
        "rate": float(layer.p),
        "channelwise": isinstance(layer, CHANNELWISE),
        "decisions": trained.size,
        "dropped": int((trained == 0).sum()),
        "scale": float(trained.max()),
        "evaluation": float(evaluated.max()),
    }


def _dropouts(model):
    kinds = (*ELEMENTWISE, *CHANNELWISE)
    return [(name, layer) for name, layer in leaves(model).items() if isinstance(layer, kinds)]


def seed_dropout(seed):
    paddle.seed(seed)
