"""Weights and gradients as NumPy arrays by name: the only place where layouts are converted.

The neutral layout is torch's. A layer's type decides whether its weight lies the other way round, never
its shape: AlexNet's 4096x4096 layer is square, and a forgotten transpose would fit.
"""

import numpy as np
import paddle

from common.weights import require_same_entries

from .tensors import to_numpy

TRANSPOSED = (paddle.nn.Linear,)  # paddle keeps (inputs, outputs), the neutral layout (outputs, inputs)


def parameter_shapes(model):
    return {
        name: tuple(parameter.shape[::-1] if transposed else parameter.shape)
        for name, parameter, transposed in neutral_parameters(model)
    }


def get_weights(model):
    return {
        name: flipped(to_numpy(parameter), transposed)
        for name, parameter, transposed in neutral_parameters(model)
    }


def set_weights(model, arrays):
    require_same_entries(parameter_shapes(model), arrays)
    for name, parameter, transposed in neutral_parameters(model):
        with paddle.no_grad():
            parameter.set_value(like(parameter, flipped(arrays[name], transposed)))


def get_gradients(model):
    gradients = {}
    for name, parameter, transposed in neutral_parameters(model):
        gradient = paddle.zeros_like(parameter) if parameter.grad is None else parameter.grad
        gradients[name] = flipped(to_numpy(gradient), transposed)
    return gradients


def set_gradients(model, arrays):
    require_same_entries(parameter_shapes(model), arrays)
    for name, parameter, transposed in neutral_parameters(model):
        parameter.grad = like(parameter, flipped(arrays[name], transposed))


def neutral_parameters(model):
    """(name, parameter, whether it lies the other way round) of every parameter."""
    transposed = {
        id(layer.weight) for layer in model.sublayers(include_self=True) if isinstance(layer, TRANSPOSED)
    }
    for name, parameter in model.named_parameters():
        yield name, parameter, id(parameter) in transposed


def flipped(array, transposed):
    return np.ascontiguousarray(array.T) if transposed else array


def like(parameter, array):
    return paddle.to_tensor(array, dtype=parameter.dtype, place=parameter.place)
