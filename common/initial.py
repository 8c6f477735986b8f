"""Initial values, drawn in NumPy and given to both frameworks.

The frameworks' own defaults differ in distribution, and one seed gives each another stream: what is
exchanged is arrays, never seeds.
"""

from collections.abc import Mapping, Sequence

import numpy as np

Shapes = Mapping[str, Sequence[int]]

# Krizhevsky et al. 2012, section 5: biases of 1 in the second, fourth and fifth convolutional layers
# and in the fully connected hidden layers, so that their ReLUs start with positive inputs.
PAPER_2012_ONES = ("conv2.bias", "conv4.bias", "conv5.bias", "fc6.bias", "fc7.bias")


def draw_scaled(shapes: Shapes, *, seed: int) -> dict[str, np.ndarray]:
    """Values that keep signals at their size: for comparing and timing, where nothing may hide.

    Weights are normal with variance 2 / fan-in (He et al. 2015, equation 10); biases are normal with
    deviation 0.1, not zero, so that a forgotten bias is seen. ``shapes`` are neutral: linear weights
    (outputs, inputs), convolutions (outputs, inputs / groups, height, width). Returns float32.
    """
    return {
        name: _normal(shape, seed=seed, index=index, deviation=_scaled_deviation(shape))
        for index, (name, shape) in enumerate(sorted(shapes.items()))
    }


def draw_paper_2012(shapes: Shapes, *, seed: int) -> dict[str, np.ndarray]:
    """The 2012 paper's initial values (section 5): weights N(0, 0.01), biases 1 or 0. float32."""
    return {
        name: np.full(shape, float(name in PAPER_2012_ONES), dtype=np.float32)
        if name.endswith(".bias")
        else _normal(shape, seed=seed, index=index, deviation=0.01)
        for index, (name, shape) in enumerate(sorted(shapes.items()))
    }


def _scaled_deviation(shape: Sequence[int]) -> float:
    if len(shape) == 1:
        return 0.1
    return float(np.sqrt(2 / np.prod(shape[1:])))


def _normal(shape: Sequence[int], *, seed: int, index: int, deviation: float) -> np.ndarray:
    rng = np.random.default_rng((seed, index))
    return rng.standard_normal(tuple(shape), dtype=np.float32) * np.float32(deviation)
