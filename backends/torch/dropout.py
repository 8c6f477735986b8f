"""Dropout, made comparable: what each layer does to ones, and masks drawn elsewhere in its place."""

from contextlib import contextmanager
from functools import partial

import torch
from torch import nn

from .device import to_numpy
from .inspection import leaves
from .weights import like

ELEMENTWISE = (nn.Dropout,)
CHANNELWISE = (nn.Dropout1d, nn.Dropout2d, nn.Dropout3d)
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
            return x
        mask = draw(tuple(x.shape), float(layer.p))
        if mask is None:
            return type(layer).forward(layer, x)
        return x * (like(x, mask) * _scale(layer))

    return forward


def _scale(layer):
    return 1 / (1 - layer.p)


def _facts(name, layer):
    ones = torch.ones(PROBE, dtype=torch.float64)
    before = layer.training
    layer.train()
    trained = to_numpy(layer(ones))
    layer.eval()
    evaluated = to_numpy(layer(ones))
    layer.train(before)
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
    # Not torch.manual_seed: without a GPU it queues a call for one, with a stack trace, every time.
    torch.default_generator.manual_seed(seed)
    if torch.cuda.is_initialized():
        torch.cuda.manual_seed(seed)
