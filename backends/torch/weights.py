"""Weights, buffers and gradients as NumPy arrays by name: the only place where layouts are converted.

The neutral layout is torch's. A layer's type decides whether its weight lies the other way round, never
its shape: AlexNet's 4096x4096 layer is square, and a forgotten transpose would fit.
"""

import torch

from common.files import replacing
from common.weights.layout import require_same_entries, transpose

from .device import to_numpy

TRANSPOSED = ()  # torch keeps every weight as the neutral layout does
WEIGHTS = ("weight", "weight_orig", "weight_v")  # a layer's own, and what a normalisation of it keeps
STATISTICS = {}  # torch's batch norm keeps its statistics as buffers, under their neutral names
UNUSED = ("num_batches_tracked",)  # a count that batch norm keeps and no computation here reads


def parameter_shapes(model):
    return {
        name: tuple(parameter.shape[::-1] if transposed else parameter.shape)
        for name, parameter, transposed in neutral_parameters(model)
    }


def get_weights(model, names=None):
    return {
        name: flipped(to_numpy(parameter), transposed)
        for name, parameter, transposed in neutral_parameters(model)
        if names is None or name in names
    }


def set_weights(model, arrays):
    require_same_entries(parameter_shapes(model), arrays)
    for name, parameter, transposed in neutral_parameters(model):
        with torch.no_grad():
            parameter.copy_(like(parameter, flipped(arrays[name], transposed)))


def get_buffers(model):
    return {name: to_numpy(buffer) for name, buffer in _buffers(model).items()}


def set_buffers(model, arrays):
    for name, buffer in _buffers(model).items():
        if name in arrays:
            with torch.no_grad():
                buffer.copy_(torch.tensor(arrays[name], dtype=buffer.dtype, device=buffer.device))


def save_weights(model, path):
    with replacing(path) as temporary:
        torch.save(model.state_dict(), str(temporary))


def get_gradients(model, names=None):
    gradients = {}
    for name, parameter, transposed in neutral_parameters(model):
        if names is None or name in names:
            gradient = torch.zeros_like(parameter) if parameter.grad is None else parameter.grad
            gradients[name] = flipped(to_numpy(gradient), transposed)
    return gradients


def set_gradients(model, arrays):
    require_same_entries(parameter_shapes(model), arrays)
    for name, parameter, transposed in neutral_parameters(model):
        if parameter.requires_grad:  # an optimizer must find none where a layer is frozen
            parameter.grad = like(parameter, flipped(arrays[name], transposed))


def freeze(model, names):
    for name, parameter in model.named_parameters():
        if name in names:
            parameter.requires_grad = False


def read_of_each(model, names, read):
    """Arrays that ``read`` returns of each named parameter, as "PARAMETER/WHAT", in the neutral layout."""
    arrays = {}
    for name, parameter, transposed in neutral_parameters(model):
        if name in names:
            for what, array in read(parameter).items():
                arrays[f"{name}/{what}"] = flipped(array, transposed and array.ndim == 2)
    return arrays


def neutral_parameters(model):
    """(name, parameter, whether it lies the other way round) of every parameter."""
    layers = [layer for layer in model.modules() if isinstance(layer, TRANSPOSED)]
    transposed = {id(getattr(layer, own, None)) for layer in layers for own in WEIGHTS}
    for name, parameter in model.named_parameters():
        if parameter.requires_grad or name.rpartition(".")[2] not in STATISTICS:
            yield name, parameter, id(parameter) in transposed


def flipped(array, transposed):
    return transpose(array) if transposed else array


def like(parameter, array):
    return torch.tensor(array, dtype=parameter.dtype, device=parameter.device)


def _buffers(model):
    """Buffers by neutral name."""
    kept = {name: buffer for name, buffer in model.named_buffers() if name.rpartition(".")[2] not in UNUSED}
    return kept | _statistics(model)


def _statistics(model):
    """Statistics of batch norm that are kept among the parameters."""
    found = {}
    for name, parameter in model.named_parameters():
        layer, dot, own = name.rpartition(".")
        if own in STATISTICS and not parameter.requires_grad:
            found[f"{layer}{dot}{STATISTICS[own]}"] = parameter
    return found
