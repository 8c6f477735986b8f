"""Paddle's random operations, computed from given numbers.

All of them are reached through the module ``paddle._C_ops``, whose functions are replaced for the while.
"""

from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from functools import partial
from typing import Any

import numpy as np

from benchmarks.parity.probe.random_numbers import RandomNumbers

Draw = Callable[..., np.ndarray | None]  # of the numbers, the operation's shape, its arguments

DRAWS: Mapping[str, Draw] = {
    "uniform": lambda numbers, shape, _, __, *ends: numbers.uniform(shape, *_numbers(ends[:2])),
    "uniform_inplace_": lambda numbers, shape, _, *ends: numbers.uniform(shape, *_numbers(ends[:2])),
    "gaussian": lambda numbers, shape, _, *moments: numbers.normal(shape, *_numbers(moments[:2])),
    "gaussian_inplace_": lambda numbers, shape, _, *moments: numbers.normal(shape, *_numbers(moments[:2])),
    "exponential_": lambda numbers, shape, _, rate: numbers.exponential(shape, rate),
    "bernoulli": lambda numbers, shape, rate: numbers.kept(shape, rate.numpy()),
    "randint": lambda numbers, shape, low, high, *_: numbers.integers(shape, low, high),
    "randperm": lambda numbers, _, count, *__: numbers.permutation(int(count)),
}
DROPOUTS = ("dropout", "dropout_")


@contextmanager
def given_to_paddle(numbers: RandomNumbers) -> Iterator[None]:
    """Inside, paddle's random operations give these numbers."""
    from paddle import _C_ops

    own = {name: getattr(_C_ops, name) for name in (*DRAWS, *DROPOUTS) if hasattr(_C_ops, name)}
    for name, function in own.items():
        compute = _dropped if name in DROPOUTS else partial(_drawn, DRAWS[name])
        setattr(_C_ops, name, partial(compute, function, numbers))
    try:
        yield
    finally:
        for name, function in own.items():
            setattr(_C_ops, name, function)


def _drawn(
    draw: Draw, function: Callable[..., Any], numbers: RandomNumbers, *args: Any, **options: Any
) -> Any:
    import paddle

    result = function(*args, **options)
    drawn = draw(numbers, tuple(result.shape), *args)
    if drawn is None:
        return result
    with paddle.no_grad():
        return paddle.assign(paddle.to_tensor(drawn).astype(result.dtype), result)


def _dropped(function: Callable[..., Any], numbers: RandomNumbers, *args: Any) -> Any:
    """Dropout of single numbers, which is one operation of paddle's."""
    import paddle

    x, _, p, is_test, mode, *_ = args
    rate = float(p)
    kept = None if is_test else numbers.kept(tuple(x.shape), 1 - rate)
    if kept is None:
        return function(*args)
    scale = 1 / (1 - rate) if mode == "upscale_in_train" else 1.0
    return x * paddle.to_tensor(kept * scale).astype(x.dtype)


def _numbers(values: Any) -> list[float]:
    """Python's numbers of what may be a tensor of one."""
    return [float(value) for value in values]
