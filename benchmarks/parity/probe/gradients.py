"""Tensors of torch's whose gradient is another than the one of their computing."""

from collections.abc import Callable
from functools import lru_cache
from typing import Any


def scaled_gradient(x: Any, factor: Any) -> Any:
    """The identity, whose gradient is multiplied by a factor."""
    return _scaled_gradient()(x, factor)


def limited_below(x: Any, limit: float) -> Any:
    """No number below a limit; the gradient passes as if there were none."""
    return _with_gradient()(x.clamp(min=limit).detach(), x)


def with_gradient(value: Any, other: Any) -> Any:
    """A value, with the gradient of another tensor of its shape."""
    return _with_gradient()(value, other)


def linear_along(x: Any, axis: int, forward: Any, backward: Any) -> Any:
    """One axis multiplied by a matrix, (out, size); another one is the gradient's."""
    moved = x.movedim(axis, -1)
    return _linear()(moved, forward, backward).movedim(-1, axis)


@lru_cache(maxsize=1)
def _scaled_gradient() -> Callable[[Any, Any], Any]:
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


@lru_cache(maxsize=1)
def _with_gradient() -> Callable[[Any, Any], Any]:
    import torch

    class WithGradient(torch.autograd.Function):  # type: ignore[misc]
        @staticmethod
        def forward(ctx: Any, value: Any, other: Any) -> Any:
            return value.view_as(value)

        @staticmethod
        def backward(ctx: Any, gradient: Any) -> Any:
            return None, gradient

    apply: Callable[[Any, Any], Any] = WithGradient.apply
    return apply


@lru_cache(maxsize=1)
def _linear() -> Callable[[Any, Any, Any], Any]:
    import torch

    class Linear(torch.autograd.Function):  # type: ignore[misc]
        @staticmethod
        def forward(ctx: Any, x: Any, forward: Any, backward: Any) -> Any:
            ctx.backward_matrix = backward
            return x @ forward.T

        @staticmethod
        def backward(ctx: Any, gradient: Any) -> Any:
            return gradient @ ctx.backward_matrix, None, None

    apply: Callable[[Any, Any, Any], Any] = Linear.apply
    return apply
