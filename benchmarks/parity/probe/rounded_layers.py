"""Torch's layers with the constants that paddle keeps in float32."""

from collections.abc import Callable
from typing import Any

import numpy as np

from benchmarks.parity.probe.alterations import scaled_gradient, with_attribute, with_forward


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
