"""Looking at a model while it runs."""

import re

from torch import nn

from .engines import infer

WORDS = {}  # the neutral names of layer types are torch's own


def trace(model, images):
    layers = []

    def record(name):
        return lambda layer, inputs, output: layers.append(_facts(name, layer, output))

    handles = [layer.register_forward_hook(record(name)) for name, layer in leaves(model).items()]
    training = model.training
    model.eval()
    try:
        infer(model, images)
    finally:
        model.train(training)
        for handle in handles:
            handle.remove()
    return layers


def named_layers(model):
    return [(name or "model", layer) for name, layer in model.named_modules()]


def leaves(model):
    return {name: layer for name, layer in named_layers(model) if not list(layer.children())}


def type_of(layer):
    return _neutral(type(layer).__name__)


def base_of(layer):
    """The framework's own type that a layer is or derives from."""
    own = [kind for kind in type(layer).__mro__ if kind.__module__.startswith(nn.__name__)]
    return _neutral(own[0].__name__)


def _neutral(word):
    return re.sub(r"([123])D$", r"\1d", WORDS.get(word, word))


def _facts(name, layer, output):
    return {
        "name": name,
        "type": type_of(layer),
        "output_shape": list(output.shape),
        "dtype": str(output.dtype).removeprefix("torch."),
        "layout": _layout(output),
    }


def _layout(output):
    if output.dim() != 4:
        return None
    return "NCHW" if output.is_contiguous() else "NHWC"
