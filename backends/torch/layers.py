"""Leaf layers as they run in the model, and each alone: inputs, outputs, gradients.

https://docs.pytorch.org/docs/stable/generated/torch.autograd.grad.html
"""

from collections import Counter

import torch

from .device import to_numpy
from .engines import infer
from .inspection import WORDS, base_of, leaves, type_of
from .weights import get_gradients

RESULTS = {"forward/logits/output": "forward/logits", "forward/logits/gradient": "forward/gradient"}


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
    for name, layer in leaves(model).items():
        handles.append(layer.register_forward_pre_hook(before(name, layer)))
        handles.append(layer.register_forward_hook(after))
    try:
        computed = compute()
        _keep("forward/logits", computed.logits, keep=lambda name, array: keep(RESULTS[name], array))
        for key, output in computed.others.items():
            _keep(f"outputs/{key}", output, keep=keep)
        keep("loss/loss", to_numpy(computed.loss).reshape(1))
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
    outputs = _tensors(
        layer(*(tensor.clone() for tensor in given))
    )  # an in-place layer may not write on them
    results = {"output": to_numpy(outputs[0])}
    if gradient is not None and _is_recorded(outputs[0]):
        outputs[0].backward(_leaf(gradient, layer))
        grads = [(place, tensor.grad) for place, tensor in enumerate(given) if tensor.grad is not None]
        results |= {f"input{place}": to_numpy(grad) for place, grad in grads}
        results |= {f"parameter/{own}": array for own, array in get_gradients(layer).items()}
    _clear_gradients(layer)
    return results


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


def _keep(name, outputs, *, keep):
    """Keep outputs now, before a layer that works in place overwrites them, and their gradients later."""
    found = _tensors(outputs)
    for place, output in enumerate(found):
        number = place or ""
        keep(f"{name}/output{number}", to_numpy(output))
        if _is_recorded(output):
            output.register_hook(_keeper(f"{name}/gradient{number}", keep=keep))
    return len(found)


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
