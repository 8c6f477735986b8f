"""What a model consists of: parameters, buffers, layers; and what an optimizer keeps."""

import math

import numpy as np
import paddle

from .inspection import base_of, leaves, named_layers, type_of
from .tensors import to_numpy
from .weights import STATISTICS, parameter_shapes, read_of_each

UNUSED = ()
MOMENTS = {  # what torch calls the same
    "inf_norm": "exp_inf",
    "mean_grad": "grad_avg",
    "mean_square": "square_avg",
    "moment": "sum",
    "moment1": "exp_avg",
    "moment2": "exp_avg_sq",
    "moment2_max": "max_exp_avg_sq",
    "momentum": "momentum_buffer",
    "velocity": "momentum_buffer",
}
STEP = "beta1_pow_acc"
COUNTS = {STEP: "_beta1", "beta2_pow_acc": "_beta2"}  # as powers, one step ahead


def describe(model):
    shapes, owners = parameter_shapes(model), _owners(model)
    parameters = {name: parameter for name, parameter in model.named_parameters() if name in shapes}
    return {
        "parameters": [
            {"name": name, "shape": list(shapes[name]), "trainable": not parameter.stop_gradient}
            | owners[id(parameter)]
            for name, parameter in parameters.items()
        ],
        "buffers": [
            {"name": name, "shape": list(buffer.shape)} | owners[id(buffer)]
            for name, buffer in _buffers(model).items()
        ],
        "layers": [
            {"name": name, "type": type_of(layer), "base": base_of(layer)}
            for name, layer in leaves(model).items()
        ],
    }


def get_buffers(model):
    return {name: to_numpy(buffer) for name, buffer in _buffers(model).items()}


def set_buffers(model, arrays):
    for name, buffer in _buffers(model).items():
        if name in arrays:
            with paddle.no_grad():
                buffer.set_value(paddle.to_tensor(arrays[name], dtype=buffer.dtype, place=buffer.place))


def get_learning_rate(optimizer):
    return float(optimizer.get_lr())


def set_learning_rate(optimizer, value):
    optimizer.set_lr(value)


def get_moments(model, optimizer, names, which=None):
    return read_of_each(model, names, lambda parameter: _moments_of(optimizer, parameter, which))


def _moments_of(optimizer, parameter, which):
    kept = kept_of(optimizer, parameter)
    named = {MOMENTS[name]: value for name, value in kept.items() if name in MOMENTS}
    moments = {name: to_numpy(value) for name, value in named.items() if which is None or name in which}
    has_step = STEP in kept and (which is None or "step" in which)
    return moments | ({"step": _step(optimizer, kept[STEP])} if has_step else {})


def _step(optimizer, count):
    """Steps done, from beta1 to the power of one more, which is what paddle keeps in their place."""
    return np.array(round(math.log(count.item()) / math.log(float(optimizer._beta1))) - 1.0)


def kept_of(optimizer, parameter):
    """What the optimizer keeps of a parameter, by its own words."""
    return {
        name: accumulators[parameter.name]
        for name, accumulators in optimizer._accumulators.items()
        if parameter.name in accumulators
    }


def _buffers(model):
    """Buffers by neutral name."""
    kept = {name: buffer for name, buffer in model.named_buffers() if name.rpartition(".")[2] not in UNUSED}
    return kept | _statistics(model)


def _statistics(model):
    """Statistics of batch norm that are kept among the parameters."""
    found = {}
    for name, parameter in model.named_parameters():
        layer, dot, own = name.rpartition(".")
        if own in STATISTICS and parameter.stop_gradient:
            found[f"{layer}{dot}{STATISTICS[own]}"] = parameter
    return found


def _owners(model):
    """Name and type of the layer that each parameter and buffer belongs to, by the tensor's identity."""
    owners = {}
    for name, layer in named_layers(model):
        facts = {"layer": name, "type": base_of(layer)}
        own = [layer.named_parameters(include_sublayers=False), layer.named_buffers(include_sublayers=False)]
        owners |= {id(tensor): facts for tensors in own for _, tensor in tensors if id(tensor) not in owners}
    return owners
