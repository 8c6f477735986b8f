"""Random numbers that both frameworks are given: NumPy's, the k-th draw of a pass the same on both sides.

Dropout that is called as a function, stochastic depth, noise: what is drawn outside of dropout's layers has
no name that both sides share, but twins draw in the same order. A draw of another size shows.
"""

from contextlib import AbstractContextManager
from math import prod
from typing import Any

import numpy as np


class RandomNumbers:
    """Draws of one pass through a model, in order; ``sizes`` has how many numbers each took."""

    def __init__(self, seed: int = 0) -> None:
        self._seed = seed
        self.sizes: list[int] = []

    def uniform(self, shape: tuple[int, ...], low: float = 0.0, high: float = 1.0) -> np.ndarray:
        """Numbers from ``low`` up to ``high``."""
        return low + (high - low) * self._next(shape).random(shape)

    def kept(self, shape: tuple[int, ...], rate: Any) -> np.ndarray | None:
        """True with a probability: where the uniform number there and the rate add up to 1 or more.

        So ``floor(rand + rate)`` and dropout's ``rand >= 1 - rate`` come to the same. None, and no draw,
        where nothing is left to chance.
        """
        certain = np.isin(rate, (0, 1))
        return None if np.all(certain) else self._next(shape).random(shape) >= 1 - np.asarray(rate)

    def normal(self, shape: tuple[int, ...], mean: float = 0.0, deviation: float = 1.0) -> np.ndarray:
        """Normally distributed numbers."""
        return mean + deviation * self._next(shape).standard_normal(shape)

    def exponential(self, shape: tuple[int, ...], rate: float = 1.0) -> np.ndarray:
        """Exponentially distributed numbers of mean 1 / ``rate``."""
        return self._next(shape).standard_exponential(shape) / rate

    def integers(self, shape: tuple[int, ...], low: int, high: int) -> np.ndarray:
        """Integers from ``low`` up to, and without, ``high``."""
        return self._next(shape).integers(low, high, shape)

    def permutation(self, count: int) -> np.ndarray:
        """The integers below ``count``, shuffled."""
        return self._next((count,)).permutation(count)

    def _next(self, shape: tuple[int, ...]) -> np.random.Generator:
        self.sizes.append(prod(shape))
        return np.random.default_rng((self._seed, len(self.sizes)))


def with_numbers(framework: str, numbers: RandomNumbers) -> AbstractContextManager[Any]:
    """Context in which a framework's random operations return these, if its table has them."""
    if framework == "torch":
        from benchmarks.parity.probe.torch_draws import given_to_torch

        return given_to_torch(numbers)
    from benchmarks.parity.probe.paddle_draws import given_to_paddle

    return given_to_paddle(numbers)
