"""Make torch compute otherwise: with paddle's rounded constants, or with decisions of another run.

Runs in torch's worker. Everything is undone at the end of the ``with`` block.
"""

from collections.abc import Callable, Iterable, Iterator, Mapping
from contextlib import ExitStack, contextmanager
from typing import Any

import numpy as np

from benchmarks.parity.decisions import pooled_places
from benchmarks.parity.folder import TensorFolder
from benchmarks.parity.roundings import KNOWN_ROUNDINGS


def rounded_value(value: float) -> float:
    """The number as float32 has it."""
    return float(np.float32(value))


@contextmanager
def rounded(model: Any, keys: Iterable[str]) -> Iterator[None]:
    """Inside, the model's layers compute with these rounded constants."""
    with ExitStack() as stack:
        for key in keys:
            if key == "label-smoothing":
                stack.enter_context(_rounded_label_smoothing())
            for layer in _layers(model, KNOWN_ROUNDINGS[key].bases):
                stack.enter_context(_ALTERATIONS[key](layer))
        yield


@contextmanager
def rounded_hyper_parameters(optimizer: Any, *, active: bool) -> Iterator[None]:
    """Inside, torch's optimizer has its hyper-parameters rounded to float32."""
    if not active:
        yield
        return
    before = [dict(group) for group in optimizer.param_groups]
    for group in optimizer.param_groups:
        group |= {name: rounded_value(group[name]) for name in _kept_in_float32(optimizer, group)}
    yield
    for group, old in zip(optimizer.param_groups, before, strict=True):
        group.update(old)


def _kept_in_float32(optimizer: Any, group: Mapping[str, Any]) -> tuple[str, ...]:
    """Which hyper-parameters paddle's optimizer of the same kind rounds; rates and Adam's it does not."""
    if type(optimizer).__name__ == "SGD":
        return ("momentum", "weight_decay") if group["momentum"] else ()
    return ("weight_decay",) if type(optimizer).__name__ == "AdamW" else ()


@contextmanager
def decided(model: Any, decisions: Mapping[str, Any]) -> Iterator[None]:
    """Inside, ReLU and max-pool decide as another run did: its layer inputs lie in ``folder``.

    ``calls`` has the label of a call there by the label of the same call here.
    """
    if not decisions:
        yield
        return
    folder, calls = TensorFolder(decisions["folder"]), decisions["calls"]
    with ExitStack() as stack:
        for name, layer in model.named_modules():
            labels = [there for here, there in calls.items() if here.partition("#")[0] == (name or "model")]
            if labels and _base(layer) in ("ReLU", "MaxPool2d"):
                inputs = [folder.load(f"layers/{label}/input0") for label in labels]
                stack.enter_context(_forward(layer, _deciding(layer, iter(inputs))))
        yield


def _deciding(layer: Any, inputs: Iterator[np.ndarray]) -> Callable[[Any], Any]:
    import torch

    def relu(x: Any) -> Any:
        return x * torch.tensor(next(inputs) > 0, dtype=x.dtype)

    def pool(x: Any) -> Any:
        shape, places = pooled_places(layer, torch.tensor(next(inputs)))
        x = torch.nn.functional.pad(x, shape.padding)
        return x.flatten(2).gather(2, places.flatten(2)).view(places.shape)

    return relu if _base(layer) == "ReLU" else pool


@contextmanager
def _forward(layer: Any, forward: Callable[..., Any]) -> Iterator[None]:
    layer.forward = forward
    try:
        yield
    finally:
        del layer.forward


@contextmanager
def _attribute(layer: Any, name: str, value: Any) -> Iterator[None]:
    before = getattr(layer, name)
    setattr(layer, name, value)
    try:
        yield
    finally:
        setattr(layer, name, before)


def _rounded_window(layer: Any) -> Any:
    import torch

    def forward(x: Any) -> Any:
        size = layer.size
        squares = torch.nn.functional.pad((x * x).unsqueeze(1), (0, 0, 0, 0, size // 2, (size - 1) // 2))
        means = torch.nn.functional.avg_pool3d(squares, (size, 1, 1), stride=1).squeeze(1)
        means = _scaled_gradient()(means, rounded_value(1 / size) * size)
        return x / (layer.k + layer.alpha * means) ** layer.beta

    return _forward(layer, forward)


def _rounded_average(layer: Any) -> Any:
    original = type(layer).forward

    def forward(x: Any) -> Any:
        pooled = original(layer, x)
        counts = _window_counts(layer, x, pooled)
        factors = (1 / counts.float()).double() * counts
        return _scaled_gradient()(pooled, factors.to(pooled.dtype))

    return _forward(layer, forward)


def _window_counts(layer: Any, x: Any, pooled: Any) -> Any:
    """By how many numbers each output of an average pool was divided, (height, width), float64."""
    import torch

    if hasattr(layer, "output_size"):
        sides = [
            _adaptive_sizes(size, out) for size, out in zip(x.shape[-2:], pooled.shape[-2:], strict=True)
        ]
        return torch.outer(*sides)
    ones = torch.ones(1, 1, *x.shape[-2:], dtype=torch.float64)
    padding = layer.padding
    if layer.count_include_pad:
        high, wide = padding if isinstance(padding, tuple) else (padding, padding)
        ones, padding = torch.nn.functional.pad(ones, (wide, wide, high, high), value=1.0), 0
    counts = torch.nn.functional.avg_pool2d(
        ones, layer.kernel_size, layer.stride, padding, layer.ceil_mode, divisor_override=1
    )
    return counts[0, 0, : pooled.shape[-2], : pooled.shape[-1]]


def _adaptive_sizes(size: int, out: int) -> Any:
    import torch

    ends = [-(-(place + 1) * size // out) for place in range(out)]
    return torch.tensor([end - place * size // out for place, end in enumerate(ends)], dtype=torch.float64)


def _rounded_epsilon(layer: Any) -> Any:
    return _attribute(layer, "eps", rounded_value(layer.eps))


def _rounded_momentum(layer: Any) -> Any:
    original = type(layer).forward

    def forward(x: Any) -> Any:
        kept = (
            [layer.running_mean.clone(), layer.running_var.clone()] if layer.running_mean is not None else []
        )
        output = original(layer, x)
        if layer.training and layer.momentum and kept:
            stays = np.float32(1 - layer.momentum)
            for before, after in zip(kept, (layer.running_mean, layer.running_var), strict=True):
                batch = (after - (1 - layer.momentum) * before) / layer.momentum
                rounded = float(stays) * before + float(np.float32(1) - stays) * batch
                after.data.copy_(rounded)  # past autograd, which has noted the tensor as it was
        return output

    return _forward(layer, forward)


def _rounded_slope(layer: Any) -> Any:
    return _forward(layer, lambda x: (x * rounded_value(0.1666667) + 0.5).clamp(0, 1))


def _rounded_rate(layer: Any) -> Any:
    return _attribute(layer, "p", rounded_value(layer.p))


@contextmanager
def _rounded_label_smoothing() -> Iterator[None]:
    """Inside, cross-entropy on class numbers smooths its labels in float32."""
    import torch

    functional = torch.nn.functional
    original = functional.cross_entropy

    def cross_entropy(logits: Any, labels: Any, *arguments: Any, **options: Any) -> Any:
        smoothing = options.pop("label_smoothing", 0.0)
        if smoothing and not arguments and labels.dtype == torch.int64 and _is_mean(options):
            hard = functional.one_hot(labels, logits.shape[1]).float()
            soft = float(np.float32(1 - smoothing)) * hard + float(np.float32(smoothing / logits.shape[1]))
            value = original(logits, soft.to(logits.dtype), **options)
            # The rounded labels do not quite sum to 1; paddle's gradient takes it that they do.
            even = (torch.logsumexp(logits, 1) - (soft * logits).sum(1)).mean()
            return even + (value - even).detach()
        return original(logits, labels, *arguments, label_smoothing=smoothing, **options)

    functional.cross_entropy = cross_entropy
    try:
        yield
    finally:
        functional.cross_entropy = original


def _is_mean(options: Mapping[str, Any]) -> bool:
    return options.get("reduction", "mean") == "mean" and options.get("weight") is None


def _scaled_gradient() -> Callable[[Any, Any], Any]:
    """The identity, whose gradient is multiplied by a factor."""
    import torch

    class ScaledGradient(torch.autograd.Function):  # type: ignore[misc]
        @staticmethod
        def forward(ctx: Any, x: Any, factor: Any) -> Any:
            ctx.factor = factor
            return x.view_as(x)

        @staticmethod
        def backward(ctx: Any, gradient: Any) -> Any:
            return gradient * ctx.factor, None

    apply: Callable[[Any, Any], Any] = ScaledGradient.apply
    return apply


def _layers(model: Any, bases: tuple[str, ...]) -> list[Any]:
    return [layer for layer in model.modules() if _base(layer) in bases]


def _base(layer: Any) -> str:
    own = [kind for kind in type(layer).__mro__ if kind.__module__.startswith("torch.nn")]
    return own[0].__name__


_ALTERATIONS: dict[str, Callable[[Any], Any]] = {
    "lrn-window": _rounded_window,
    "avg-pool": _rounded_average,
    "norm-epsilon": _rounded_epsilon,
    "batch-norm-momentum": _rounded_momentum,
    "hardsigmoid": _rounded_slope,
    "dropout-scale": _rounded_rate,
}
