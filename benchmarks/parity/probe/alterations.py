"""A torch layer or gradient made to do otherwise, until the end of a ``with`` block."""

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import Any


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
