"""Make torch compute with paddle's rounded constants.

Runs in torch's worker. Everything is undone at the end of the ``with`` block.
"""

from collections.abc import Callable, Iterable, Iterator, Mapping
from contextlib import ExitStack, contextmanager
from typing import Any

import numpy as np

from benchmarks.parity.tensors.known_roundings import KNOWN_ROUNDINGS


def base_of(layer: Any) -> str:
    """The name of torch's own class that a layer is, or is derived from."""
    own = [kind for kind in type(layer).__mro__ if kind.__module__.startswith("torch.nn")]
    return own[0].__name__


@contextmanager
def with_forward(layer: Any, forward: Callable[..., Any]) -> Iterator[None]:
    """Inside, the layer computes something else."""
    layer.forward = forward
    try:
        yield
    finally:
        del layer.forward


@contextmanager
def with_attribute(layer: Any, name: str, value: Any) -> Iterator[None]:
    """Inside, an attribute of the layer has another value."""
    before = getattr(layer, name)
    setattr(layer, name, value)
    try:
        yield
    finally:
        setattr(layer, name, before)


def limited_below() -> Callable[[Any, float], Any]:
    """No number below a limit; the gradient passes as if there were none."""
    import torch

    class LimitedBelow(torch.autograd.Function):  # type: ignore[misc]
        @staticmethod
        def forward(ctx: Any, x: Any, limit: float) -> Any:
            return x.clamp(min=limit)

        @staticmethod
        def backward(ctx: Any, gradient: Any) -> Any:
            return gradient, None

    apply: Callable[[Any, float], Any] = LimitedBelow.apply
    return apply


def scaled_gradient() -> Callable[[Any, Any], Any]:
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


def rounded_value(value: float) -> float:
    """The number as float32 has it."""
    return float(np.float32(value))


def _rounded_window(layer: Any) -> Any:
    import torch

    def forward(x: Any) -> Any:
        size = layer.size
        squares = torch.nn.functional.pad((x * x).unsqueeze(1), (0, 0, 0, 0, size // 2, (size - 1) // 2))
        means = torch.nn.functional.avg_pool3d(squares, (size, 1, 1), stride=1).squeeze(1)
        means = scaled_gradient()(means, rounded_value(1 / size) * size)
        return x / (layer.k + layer.alpha * means) ** layer.beta

    return with_forward(layer, forward)


def _rounded_average(layer: Any) -> Any:
    original = type(layer).forward

    def forward(x: Any) -> Any:
        pooled = original(layer, x)
        counts = _window_counts(layer, x, pooled)
        factors = (1 / counts.float()).double() * counts
        return scaled_gradient()(pooled, factors.to(pooled.dtype))

    return with_forward(layer, forward)


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
    return with_attribute(layer, "eps", rounded_value(layer.eps))


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

    return with_forward(layer, forward)


def _rounded_slope(layer: Any) -> Any:
    return with_forward(layer, lambda x: (x * rounded_value(0.1666667) + 0.5).clamp(0, 1))


def _rounded_rate(layer: Any) -> Any:
    return with_attribute(layer, "p", rounded_value(layer.p))


ALTERATIONS: dict[str, Callable[[Any], Any]] = {  # by the key of KNOWN_ROUNDINGS
    "lrn-window": _rounded_window,
    "avg-pool": _rounded_average,
    "norm-epsilon": _rounded_epsilon,
    "batch-norm-momentum": _rounded_momentum,
    "hardsigmoid": _rounded_slope,
    "dropout-scale": _rounded_rate,
}


LOSS_LIMIT = 64.0


@contextmanager
def rounded(model: Any, keys: Iterable[str]) -> Iterator[None]:
    """Inside, the model's layers compute with these rounded constants."""
    with ExitStack() as stack:
        for key in keys:
            if key in _LOSSES:
                stack.enter_context(_LOSSES[key]())
            for layer in _layers(model, KNOWN_ROUNDINGS[key].bases):
                stack.enter_context(ALTERATIONS[key](layer))
        yield


@contextmanager
def _rounded_label_smoothing() -> Iterator[None]:
    """Inside, cross-entropy on class numbers smooths its labels in float32."""
    import torch

    original = torch.nn.functional.cross_entropy

    def cross_entropy(logits: Any, labels: Any, *arguments: Any, **options: Any) -> Any:
        smoothing = options.pop("label_smoothing", 0.0)
        if smoothing and not arguments and labels.dtype == torch.int64 and _is_mean(options):
            hard = torch.nn.functional.one_hot(labels, logits.shape[1]).float()
            soft = float(np.float32(1 - smoothing)) * hard + float(np.float32(smoothing / logits.shape[1]))
            value = original(logits, soft.to(logits.dtype), **options)
            # The rounded labels do not quite sum to 1; paddle's gradient takes it that they do.
            even = (torch.logsumexp(logits, 1) - (soft * logits).sum(1)).mean()
            return even + (value - even).detach()
        return original(logits, labels, *arguments, label_smoothing=smoothing, **options)

    with _cross_entropy(cross_entropy):
        yield


@contextmanager
def _limited_loss() -> Iterator[None]:
    """Inside, cross-entropy takes no logit as more than 64 below the largest: nor is any class unlikelier."""
    import torch

    original, limited = torch.nn.functional.cross_entropy, limited_below()

    def cross_entropy(logits: Any, *arguments: Any, **options: Any) -> Any:
        below = logits - logits.detach().amax(1, keepdim=True)
        return original(limited(below, -LOSS_LIMIT), *arguments, **options)

    with _cross_entropy(cross_entropy):
        yield


@contextmanager
def _cross_entropy(other: Callable[..., Any]) -> Iterator[None]:
    """Inside, torch computes its cross-entropy by another function."""
    import torch

    functional = torch.nn.functional
    before, functional.cross_entropy = functional.cross_entropy, other
    try:
        yield
    finally:
        functional.cross_entropy = before


def _is_mean(options: Mapping[str, Any]) -> bool:
    return options.get("reduction", "mean") == "mean" and options.get("weight") is None


def _layers(model: Any, bases: tuple[str, ...]) -> list[Any]:
    return [layer for layer in model.modules() if base_of(layer) in bases]


_LOSSES = {"label-smoothing": _rounded_label_smoothing, "loss-limit": _limited_loss}
