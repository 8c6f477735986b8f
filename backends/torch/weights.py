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
# Of spectral and weight normalisation behind "parametrizations.": the neutral names are those of the hooks.
ROLES = {"original": "orig", "original0": "g", "original1": "v", "0._u": "u", "0._v": "v"}
UNUSED = ("num_batches_tracked",)  # a count that batch norm keeps and no computation here reads


def parameter_shapes(model):
    return {
        name: _neutral_shape(parameter, transposed)
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


def load_weights(model, path):
    try:
        model.load_state_dict(torch.load(str(path), weights_only=True, map_location="cpu"))
    except RuntimeError as error:
        raise ValueError(str(error)) from None


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
        if neutral_name(name) in names:
            parameter.requires_grad = False


def read_of_each(model, names, read):
    """Arrays that ``read`` returns of each named parameter, as "PARAMETER/WHAT", in the neutral layout."""
    arrays = {}
    for name, parameter, transposed in neutral_parameters(model):
        if name in names:
            for what, array in read(parameter).items():
                arrays[f"{name}/{what}"] = flipped(
                    array, transposed if array.ndim == parameter.ndim else False
                )
    return arrays


def neutral_parameters(model):
    """(name, parameter, True if it lies the other way round or, if flat, its neutral shape) of each."""
    turned = _turned(model)
    for name, parameter in model.named_parameters():
        if parameter.requires_grad or name.rpartition(".")[2] not in STATISTICS:
            yield neutral_name(name), parameter, turned.get(id(parameter), False)


def neutral_name(name):
    layer, found, own = name.rpartition("parametrizations.")
    weight, _, role = own.partition(".")
    return f"{layer}{weight}_{ROLES[role]}" if found and role in ROLES else name


def flipped(array, transposed):
    if isinstance(transposed, tuple):
        return array.reshape(transposed if array.ndim == 1 else -1)
    return transpose(array) if transposed else array


def like(parameter, array):
    return torch.tensor(array, dtype=parameter.dtype, device=parameter.device)


def _neutral_shape(parameter, transposed):
    if isinstance(transposed, tuple):
        return transposed
    return tuple(parameter.shape[::-1] if transposed else parameter.shape)


def _turned(model):
    """How parameters lie that do not lie as the neutral layout does, by identity."""
    turned = {}
    for layer in model.modules():
        if isinstance(layer, TRANSPOSED):
            weights = [getattr(layer, name, None) for name in WEIGHTS]
            turned |= {id(weight): True for weight in weights}
        turned |= _flat_magnitudes(layer)
    return turned


def _flat_magnitudes(layer):
    """Neutral shapes of weight normalisation's magnitudes that lie flat, by identity."""
    return {}


def _buffers(model):
    """Buffers by neutral name, without the weights that are computed from parameters."""
    ends = ("_orig", "_v")
    computed = {name.rpartition("_")[0] for name, _ in model.named_parameters() if name.endswith(ends)}
    kept = {
        neutral_name(name): buffer
        for name, buffer in model.named_buffers()
        if name.rpartition(".")[2] not in UNUSED and name not in computed
    }
    return kept | _statistics(model)


def _statistics(model):
    """Statistics of batch norm that are kept among the parameters."""
    found = {}
    for name, parameter in model.named_parameters():
        layer, dot, own = name.rpartition(".")
        if own in STATISTICS and not parameter.requires_grad:
            found[f"{layer}{dot}{STATISTICS[own]}"] = parameter
    return found
