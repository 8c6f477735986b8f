"""What a model consists of: parameters, buffers, layers; and what an optimizer keeps."""

import torch

from .inspection import base_of, leaves, named_layers, type_of
from .tensors import to_numpy
from .weights import STATISTICS, parameter_shapes, read_of_each

UNUSED = ("num_batches_tracked",)  # a count that batch norm keeps and no computation here reads
MOMENTS = {}  # the neutral names of what optimizers keep are torch's own
STEP = "step"
COUNTS = (STEP,)


def describe(model):
    shapes, owners = parameter_shapes(model), _owners(model)
    parameters = {name: parameter for name, parameter in model.named_parameters() if name in shapes}
    return {
        "parameters": [
            {"name": name, "shape": list(shapes[name]), "trainable": parameter.requires_grad}
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
            with torch.no_grad():
                buffer.copy_(torch.tensor(arrays[name], dtype=buffer.dtype, device=buffer.device))


def get_learning_rate(optimizer):
    return float(optimizer.param_groups[0]["lr"])


def set_learning_rate(optimizer, value):
    for group in optimizer.param_groups:
        group["lr"] = value


def get_moments(model, optimizer, names, which=None):
    return read_of_each(model, names, lambda parameter: _moments_of(optimizer, parameter, which))


def _moments_of(optimizer, parameter, which):
    kept = kept_of(optimizer, parameter)
    named = {MOMENTS.get(name, name): value for name, value in kept.items() if name not in COUNTS}
    moments = {name: to_numpy(value) for name, value in named.items() if which is None or name in which}
    has_step = STEP in kept and (which is None or "step" in which)
    return moments | ({"step": _step(optimizer, kept[STEP])} if has_step else {})


def _step(optimizer, count):
    return to_numpy(count).reshape(())


def kept_of(optimizer, parameter):
    """What the optimizer keeps of a parameter, by its own words."""
    kept = optimizer.state.get(parameter, {})
    return {name: value for name, value in kept.items() if isinstance(value, torch.Tensor)}


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


def _owners(model):
    """Name and type of the layer that each parameter and buffer belongs to, by the tensor's identity."""
    owners = {}
    for name, layer in named_layers(model):
        facts = {"layer": name, "type": base_of(layer)}
        own = [layer.named_parameters(recurse=False), layer.named_buffers(recurse=False)]
        owners |= {id(tensor): facts for tensors in own for _, tensor in tensors if id(tensor) not in owners}
    return owners
