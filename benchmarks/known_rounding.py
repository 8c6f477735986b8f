"""Constants that paddle keeps in float32 inside its float64 arithmetic, and their reproduction in torch.

Such a constant moves a float64 result by far more than rounding. It excuses a gap only if torch, given
the same rounded constant, agrees to the ordinary tolerance; a fault does not go away by that, and one
larger than the bound is not even tried.
"""

from collections.abc import Callable
from dataclasses import dataclass
from types import MethodType
from typing import Any

import numpy as np


@dataclass(frozen=True, kw_only=True)
class KnownRounding:
    """One such constant: where it acts, how far it can move a gradient, and what was measured."""

    layer_type: str  # torch's word; gradients at and before such a layer are concerned
    constant: str
    bound: float  # relative L2; the constant itself is off by at most 6e-8
    measured: str


KNOWN_ROUNDINGS = {
    "lrn-window": KnownRounding(
        layer_type="LocalResponseNorm",
        constant="1/size of the averaging window in LocalResponseNorm's gradient, kept in float32",
        bound=1e-10,
        measured=(
            "paddle 3.3.1, float64, weights drawn to keep signals at their size: alexnet_2012 1.8e-11, "
            "alexnet_lrn 1.6e-12; with the constant reproduced both are below 5e-15"
        ),
    ),
}


def reproduce(constant: str, backend_name: str, model: Any) -> None:
    """Make torch compute with paddle's rounded constant; leaves a paddle model as it is."""
    if backend_name == "torch":
        _REPRODUCTIONS[constant](model)


def _round_lrn_windows(model: Any) -> None:
    import torch

    class ScaledGradient(torch.autograd.Function):  # type: ignore[misc]
        """The identity, whose gradient is multiplied by a factor."""

        @staticmethod
        def forward(ctx: Any, x: Any, factor: float) -> Any:
            ctx.factor = factor
            return x.view_as(x)

        @staticmethod
        def backward(ctx: Any, gradient: Any) -> Any:
            return gradient * ctx.factor, None

    def forward(layer: Any, x: Any) -> Any:
        size = layer.size
        squares = torch.nn.functional.pad((x * x).unsqueeze(1), (0, 0, 0, 0, size // 2, (size - 1) // 2))
        means = torch.nn.functional.avg_pool3d(squares, (size, 1, 1), stride=1).squeeze(1)
        means = ScaledGradient.apply(means, float(np.float32(1 / size)) * size)
        return x / (layer.k + layer.alpha * means) ** layer.beta

    for layer in model.modules():
        if isinstance(layer, torch.nn.LocalResponseNorm):
            layer.forward = MethodType(forward, layer)


_REPRODUCTIONS: dict[str, Callable[[Any], None]] = {"lrn-window": _round_lrn_windows}
