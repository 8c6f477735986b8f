"""Leaf layers as they run in the model, and each alone: inputs, outputs, gradients.

https://docs.pytorch.org/docs/stable/generated/torch.autograd.grad.html
"""

from collections import Counter

import torch

from .device import DTYPES, place, to_numpy
from .engines import infer
from .inspection import RECURRENT, base_of, leaves, shape_of, type_of
from .weights import get_gradients

RESULTS = {"forward/logits/output": "forward/logits", "forward/logits/gradient": "forward/gradient"}


def cast(model, *, precision, device):
    """Give a model its place and its precision."""
    return model._apply(lambda tensor: tensor.to(place(device), _dtype(tensor, precision)))


def _dtype(tensor, precision):
    if tensor.is_complex():  # Module.to would drop its imaginary part
        return torch.complex128 if precision == "fp64" else torch.complex64
    return DTYPES[precision] if tensor.is_floating_point() else None


def record(model, compute, *, keep, backward=True):
    _clear_gradients(model)
    calls, counts, handles = [], Counter(), []

    def before(name, layer):
        def hook(_, inputs):
            counts[name] += 1
            label = name if counts[name] == 1 else f"{name}#{counts[name]}"
            tensors = _tensors(inputs)
            calls.append({"call": label, "name": name, "type": type_of(layer), "base": base_of(layer)})
            calls[-1] |= {"inputs": len(tensors), "training": layer.training}
            for position, tensor in enumerate(tensors):
                keep(f"layers/{label}/input{position}", to_numpy(tensor))
            opened.append(label)

        return hook

    def after(_, inputs, outputs):
        label = opened.pop()
        called = next(call for call in reversed(calls) if call["call"] == label)
        called["outputs"] = _keep(f"layers/{label}", outputs, keep=keep)

    opened = []
    handles.append(Differentiable(model))
    for name, layer in leaves(model).items():
        handles.append(layer.register_forward_pre_hook(before(name, layer)))
        handles.append(layer.register_forward_hook(after))
    try:
        computed = compute()
        _keep_results(computed, keep=keep)
        if backward:
            computed.total.backward()
    except Exception as error:
        error.layer = opened[-1] if opened else None  # for whoever reports it
        raise
    finally:
        for handle in handles:
            handle.remove()
    return calls


def run_layer(model, name, *, inputs, gradient=None):
    layer = leaves(model)[name]
    _clear_gradients(layer)
    given = [_leaf(array, layer) for array in inputs]
    evaluated = Differentiable(layer)
    try:
        # A layer that works in place may not write on them.
        outputs = _tensors(layer(*(tensor.clone() for tensor in given)))
        results = {"output": to_numpy(outputs[0])}
        if gradient is not None and _is_recorded(outputs[0]):
            outputs[0].backward(_leaf(gradient, layer))
            grads = [(place, tensor.grad) for place, tensor in enumerate(given) if tensor.grad is not None]
            results |= {f"input{place}": to_numpy(grad) for place, grad in grads}
            results |= {f"parameter/{own}": array for own, array in get_gradients(layer).items()}
    finally:
        evaluated.remove()
    _clear_gradients(layer)
    return results


def isolate_layers(model, images):
    layers, handles, taken = [], [], []

    def before(_, inputs):
        taken.append((_copied(inputs), _versions(inputs)))

    def after(name):
        def hook(layer, inputs, outputs):
            copies, versions = taken.pop()
            alone = LayerAlone(name, layer, copies, in_place=_versions(inputs) != versions)
            alone.output_shape = shape_of(outputs)
            layers.append(alone)

        return hook

    for name, layer in leaves(model).items():
        handles.append(layer.register_forward_pre_hook(before))
        handles.append(layer.register_forward_hook(after(name)))
    try:
        infer(model, images)
    finally:
        for handle in handles:
            handle.remove()
    for first in layers[:1]:
        first.wanted = first.parameters  # nobody asks for the gradient of the images
    return layers


class LayerAlone:
    """A common.engines.engine.Layer."""

    def __init__(self, name, layer, inputs, *, in_place):
        self.name, self.type = name, type_of(layer)
        self.layer, self.inputs, self.in_place = layer, inputs, in_place
        self.input_shape, self.output_shape = shape_of(inputs), None
        self.parameters = [parameter for parameter in layer.parameters() if parameter.requires_grad]
        self.wanted = [tensor for tensor in _nested(inputs) if _is_recorded(tensor)] + self.parameters
        self.gradients = None

    def forward(self):
        # A layer that writes on its input gets a copy, which costs what an output costs the others.
        inputs = _cloned(self.inputs) if self.in_place else self.inputs
        self.results = [tensor for tensor in _nested(self.layer(*inputs)) if _is_recorded(tensor)]
        if self.gradients is None:
            self.gradients = [torch.ones_like(tensor) for tensor in self.results]

    def backward(self):
        if self.wanted and self.results:
            torch.autograd.grad(self.results, self.wanted, self.gradients, allow_unused=True)


def _copied(values):
    """Copies of tensors, however nested, that gradients are asked for where they can be."""
    if isinstance(values, torch.Tensor):
        return _detached(values)
    return type(values)(map(_copied, values)) if type(values) in (list, tuple) else values


def _cloned(values):
    if isinstance(values, torch.Tensor):
        return values.clone()
    return type(values)(map(_cloned, values)) if type(values) in (list, tuple) else values


def _nested(values):
    """All tensors of a value, however nested."""
    if isinstance(values, torch.Tensor):
        return [values]
    values = list(values.values()) if isinstance(values, dict) else values
    return (
        [tensor for value in values for tensor in _nested(value)] if isinstance(values, (list, tuple)) else []
    )


def _versions(values):
    """How often each tensor was written on."""
    return [tensor._version for tensor in _nested(values)]


class Differentiable:
    """Recurrent layers in training mode without their dropout, until removed: they compute the same.

    Paddle has no gradient of theirs in evaluation mode, nor has torch on a GPU.
    """

    def __init__(self, model):
        layers = [layer for layer in leaves(model).values() if isinstance(layer, RECURRENT)]
        self.evaluated = [(layer, layer.dropout) for layer in layers if not layer.training]
        for layer, _ in self.evaluated:
            layer.training, layer.dropout = True, 0.0

    def remove(self):
        for layer, dropout in self.evaluated:
            layer.training, layer.dropout = False, dropout


def _keep(name, outputs, *, keep):
    """Keep outputs now, before a layer that works in place overwrites them, and their gradients later."""
    found = _tensors(outputs)
    for position, output in enumerate(found):
        number = position or ""
        keep(f"{name}/output{number}", to_numpy(output))
        if _is_recorded(output):
            output.register_hook(_keeper(f"{name}/gradient{number}", keep=keep))
    return len(found)


def _keep_results(computed, *, keep):
    _keep("forward/logits", computed.logits, keep=lambda name, array: keep(RESULTS[name], array))
    for key, output in computed.others.items():
        _keep(f"outputs/{key}", output, keep=keep)
    keep("loss/loss", to_numpy(computed.loss).reshape(1))


def _keeper(name, *, keep):
    return lambda gradient: keep(name, to_numpy(gradient))


def _clear_gradients(layer):
    for parameter in layer.parameters():
        parameter.grad = None


def _tensors(values):
    if isinstance(values, torch.Tensor):
        return [values]
    values = values.values() if isinstance(values, dict) else values
    inner = values if isinstance(values, (list, tuple, type({}.values()))) else ()
    return [tensor for value in inner for tensor in _tensors(value)]


def _is_recorded(tensor):
    return tensor.requires_grad


def _leaf(array, layer):
    device = next((parameter.device for parameter in layer.parameters()), None)
    leaf = torch.tensor(array, device=device)
    return leaf.requires_grad_() if leaf.is_floating_point() else leaf


def _detached(tensor):
    copy = tensor.detach().clone()
    return copy.requires_grad_() if copy.is_floating_point() else copy
