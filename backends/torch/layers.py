"""Layers one by one: each is run alone, on the input that it has inside the model.

https://docs.pytorch.org/docs/stable/generated/torch.autograd.grad.html
"""

import torch

from .engines import infer
from .inspection import WORDS
from .learning import MIXED
from .tensors import DTYPES, from_numpy


def isolate_layers(model, images):
    layers = []

    def record(name):
        return lambda layer, inputs, output: layers.append(LayerAlone(name, layer, inputs[0], output))

    handles = [
        layer.register_forward_hook(record(name))
        for name, layer in model.named_modules()
        if not list(layer.children())
    ]
    try:
        infer(model, images)
    finally:
        for handle in handles:
            handle.remove()
    layers[0].wanted.pop(0)  # nobody asks for the gradient of the images
    return layers


class LayerAlone:
    """A common.engines.engine.Layer."""

    def __init__(self, name, layer, inputs, outputs):
        self.name, self.type = name, WORDS.get(type(layer).__name__, type(layer).__name__)
        self.layer, self.inputs = layer, inputs.detach().clone()
        self.inputs.requires_grad_(True)
        self.wanted = [self.inputs, *layer.parameters()]
        self.gradient = torch.ones_like(outputs)

    def forward(self):
        self.outputs = self.layer(self.inputs)

    def backward(self):
        if self.wanted:
            torch.autograd.grad([self.outputs], self.wanted, [self.gradient])


def matrix_product(array, *, device, precision):
    dtype = MIXED.get(precision) or DTYPES.get(precision) or DTYPES["fp32"]
    matrix = from_numpy(array, device=device, precision="fp32").to(dtype)
    return lambda: torch.matmul(matrix, matrix)
