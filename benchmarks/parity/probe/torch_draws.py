"""Torch's random operations, computed from given numbers.

A mode below autograd sees them all, by whatever function they are reached.
https://docs.pytorch.org/docs/stable/notes/extending.html
"""

from collections.abc import Callable, Mapping
from contextlib import AbstractContextManager
from typing import Any

import numpy as np

from benchmarks.parity.probe.random_numbers import RandomNumbers

Draw = Callable[..., np.ndarray | None]  # of the numbers, the operation's shape, its arguments

DRAWS: Mapping[str, Draw] = {
    "aten.rand.default": lambda numbers, shape, *_, **__: numbers.uniform(shape),
    "aten.rand_like.default": lambda numbers, shape, *_, **__: numbers.uniform(shape),
    "aten.uniform_.default": lambda numbers, shape, _, *ends, **__: numbers.uniform(shape, *ends),
    "aten.uniform.default": lambda numbers, shape, _, *ends, **__: numbers.uniform(shape, *ends),
    "aten.randn.default": lambda numbers, shape, *_, **__: numbers.normal(shape),
    "aten.randn_like.default": lambda numbers, shape, *_, **__: numbers.normal(shape),
    "aten.normal_.default": lambda numbers, shape, _, *moments, **__: numbers.normal(shape, *moments),
    "aten.normal.float_float": lambda numbers, shape, *moments, **__: numbers.normal(shape, *moments[:2]),
    "aten.exponential_.default": lambda numbers, shape, _, *rate, **__: numbers.exponential(shape, *rate),
    "aten.bernoulli_.float": lambda numbers, shape, _, rate=0.5, **__: numbers.kept(shape, rate),
    "aten.bernoulli_.Tensor": lambda numbers, shape, _, rate, **__: numbers.kept(shape, rate.cpu().numpy()),
    "aten.bernoulli.p": lambda numbers, shape, _, rate, **__: numbers.kept(shape, rate),
    "aten.bernoulli.default": lambda numbers, shape, rate, **__: numbers.kept(shape, rate.cpu().numpy()),
    "aten.randint.default": lambda numbers, shape, high, *_, **__: numbers.integers(shape, 0, high),
    "aten.randint.low": lambda numbers, shape, low, high, *_, **__: numbers.integers(shape, low, high),
    "aten.randint_like.default": lambda numbers, shape, _, high, **__: numbers.integers(shape, 0, high),
    "aten.randperm.default": lambda numbers, _, count, **__: numbers.permutation(count),
}


def given_to_torch(numbers: RandomNumbers) -> AbstractContextManager[Any]:
    """Inside, torch's random operations give these numbers."""
    from torch.utils._python_dispatch import TorchDispatchMode

    class Given(TorchDispatchMode):  # type: ignore[misc]
        def __torch_dispatch__(
            self, func: Any, types: Any, args: Any = (), kwargs: Mapping[str, Any] | None = None
        ) -> Any:
            result = func(*args, **(kwargs or {}))
            draw = DRAWS.get(str(func))
            drawn = draw(numbers, tuple(result.shape), *args, **(kwargs or {})) if draw else None
            return result if drawn is None else result.copy_(result.new_tensor(drawn))

    return Given()
