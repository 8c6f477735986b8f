"""Parts of a model in definition order, and its layers in execution order."""

import re

from torch import nn
from torch.nn.utils import parametrize

from .engines import infer
from .weights import _buffers, neutral_name, parameter_shapes

ROOMS = (nn,)  # where the public types are
RECURRENT = (nn.LSTM, nn.GRU, nn.RNN)
ATTENTION = (nn.MultiheadAttention,)
WHOLE = (*ATTENTION, *RECURRENT)  # compute as one, and not by calling what is in them
WORDS = {}  # the neutral names of layer types are torch's own


def describe(model):
    shapes, owners = parameter_shapes(model), _owners(model)
    parameters = {neutral_name(name): parameter for name, parameter in model.named_parameters()}
    return {
        "parameters": [
            {"name": name, "shape": list(shapes[name]), "trainable": parameter.requires_grad}
            | owners[id(parameter)]
            for name, parameter in parameters.items()
            if name in shapes
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


def trace(model, images):
    layers = []

    def record(name):
        return lambda layer, inputs, output: layers.extend(_facts(name, layer, inputs, _first_tensor(output)))

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


def infer_with_features(model, images, *, layer):
    seen = []

    def keep(_, inputs):
        tensor = _first_tensor(inputs)
        seen.append(None if tensor is None else tensor.clone())  # a later layer may work on it in place

    handle = leaves(model)[layer].register_forward_pre_hook(keep)
    try:
        return infer(model, images), seen[-1] if seen else None
    finally:
        handle.remove()


def named_layers(model):
    return [(name or "model", layer) for name, layer in model.named_modules()]


def leaves(model):
    """Layers without layers in them, and those that compute as one whatever is in them."""
    found, inside = {}, set()
    for name, layer in named_layers(model):
        if _is_whole(layer):
            inside |= {id(part) for part in layer.modules() if part is not layer}
        if id(layer) not in inside and (_is_whole(layer) or not list(layer.children())):
            found[name] = layer
    return found


def type_of(layer):
    return _neutral(next(kind.__name__ for kind in type(layer).__mro__ if _is_written(kind)))


def base_of(layer):
    """The framework's public type that a layer is or derives from."""
    public = [kind for kind in type(layer).__mro__ if any(_is_in(room, kind) for room in ROOMS)]
    return _neutral(public[0].__name__)


def _is_in(room, kind):
    return getattr(room, kind.__name__, None) is kind


def _is_whole(layer):
    return isinstance(layer, WHOLE) or parametrize.is_parametrized(layer)


def _is_written(kind):
    """False for the class that a parametrization makes of a layer's own."""
    return kind.__module__ != parametrize.__name__


def _neutral(word):
    word = re.sub(r"^Conv([123])DTranspose$", r"ConvTranspose\1d", WORDS.get(word, word))
    return re.sub(r"([123])D$", r"\1d", word)


def _facts(name, layer, inputs, output):
    """What a trace says of a layer, in a list; nothing of one that returns no tensor."""
    if output is None:
        return []
    facts = {
        "name": name,
        "type": type_of(layer),
        "input_shape": shape_of(inputs),
        "output_shape": list(output.shape),
        "dtype": str(output.dtype).removeprefix("torch."),
        "layout": _layout(output),
    }
    return [facts]


def _first_tensor(output):
    """The tensor, or the first of those in it: a recurrent layer returns its state as well."""
    while isinstance(output, (list, tuple, dict)) and output:
        output = next(iter(output.values() if isinstance(output, dict) else output))
    return output if hasattr(output, "dtype") else None


def shape_of(values):
    """Of the first tensor; None where there is none."""
    tensor = _first_tensor(values)
    return None if tensor is None else list(tensor.shape)


def _layout(output):
    if output.dim() != 4:
        return None
    return "NCHW" if output.is_contiguous() else "NHWC"


def _owners(model):
    """Name and type of the layer that each parameter and buffer belongs to, by the tensor's identity.

    What a parametrization keeps belongs to the layer whose weight it makes.
    """
    owners, types = {}, {name: base_of(layer) for name, layer in named_layers(model)}
    for name, layer in named_layers(model):
        owner = name.partition(".parametrizations.")[0]
        facts, inner = {"layer": owner, "type": types[owner]}, _is_whole(layer)
        own = [layer.named_parameters(recurse=inner), layer.named_buffers(recurse=inner)]
        owners |= {id(tensor): facts for tensors in own for _, tensor in tensors if id(tensor) not in owners}
    return owners
