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
    """The 2012 paper's initial values (section 5): weights N(0, 0.01), biases 1 or 0.

    Float32.
    """
    return {
        name: np.full(shape, float(name in PAPER_2012_ONES), dtype=np.float32)
        if name.endswith(".bias")
        else _normal(shape, seed=seed, index=index, deviation=0.01)
        for index, (name, shape) in enumerate(sorted(shapes.items()))
    }


def draw_centred(shapes: Shapes, *, seed: int) -> dict[str, np.ndarray]:
    """For sigmoids: twice Glorot's values, and the weights of each output sum to zero.

    A sigmoid gives 1/2 on average. With weights that do not sum to zero, that common part drowns what
    differs between images, and LeNet-5 stays at chance for dozens of epochs; measured on CIFAR-10.
    """
    values = draw("xavier", shapes, seed=seed)
    for name, array in values.items():
        if array.ndim > 1:
            doubled = array * np.float32(2)
            inputs = tuple(range(1, array.ndim))
            values[name] = doubled - doubled.mean(axis=inputs, keepdims=True)
    return values


def draw(name: str, shapes: Shapes, *, seed: int) -> dict[str, np.ndarray]:
    """Values of one of DISTRIBUTIONS for every parameter, in float32.

    See ``draw_scaled`` for shapes.
    """
    if name == "paper_2012":
        return draw_paper_2012(shapes, seed=seed)
    if name == "centred":
        return draw_centred(shapes, seed=seed)
    return {
        parameter: _drawn(
            DISTRIBUTIONS[name](parameter, shape, shapes), shape, rng=np.random.default_rng((seed, index))
        )
        for index, (parameter, shape) in enumerate(sorted(shapes.items()))
    }


# A distribution of one parameter: ("normal", deviation) or ("uniform", bound).
Distribution = tuple[str, float]


def _torch(parameter: str, shape: Sequence[int], shapes: Shapes) -> Distribution:
    """As torch itself draws: U(-b, b), b = 1 / sqrt(fan-in), biases by their layer's weight."""
    weight = shapes[f"{parameter.removesuffix('.bias')}.weight"] if len(shape) == 1 else shape
    return "uniform", float(1 / np.sqrt(_fan_in(weight)))


def _paddle(parameter: str, shape: Sequence[int], shapes: Shapes) -> Distribution:
    """As paddle itself draws: Conv2D normal with variance 2 / fan-in, Linear Glorot's uniform, biases 0."""
    if len(shape) == 4:
        return "normal", float(np.sqrt(2 / _fan_in(shape)))
    return _xavier(parameter, shape, shapes)


def _xavier(parameter: str, shape: Sequence[int], shapes: Shapes) -> Distribution:
    """Glorot and Bengio 2010, equation 16: U(-b, b), b = sqrt(6 / (fan-in + fan-out)); biases 0."""
    bound = 0.0 if len(shape) == 1 else np.sqrt(6 / (_fan_in(shape) + _fan_out(shape)))
    return "uniform", float(bound)


def _kaiming(parameter: str, shape: Sequence[int], shapes: Shapes) -> Distribution:
    """He et al. 2015, equation 10: normal with variance 2 / fan-in.

    Biases are 0.
    """
    return "normal", 0.0 if len(shape) == 1 else float(np.sqrt(2 / _fan_in(shape)))


def _kaiming_fan_out(parameter: str, shape: Sequence[int], shapes: Shapes) -> Distribution:
    """The flowers article's: convolutions with variance 2 / fan-out, linear weights N(0, 0.01)."""
    if len(shape) == 4:
        return "normal", float(np.sqrt(2 / _fan_out(shape)))
    return "normal", 0.0 if len(shape) == 1 else 0.01


DISTRIBUTIONS = {
    "torch": _torch,
    "paddle": _paddle,
    "xavier": _xavier,
    "kaiming": _kaiming,
    "kaiming_fan_out": _kaiming_fan_out,
}
NAMES = (*DISTRIBUTIONS, "centred", "paper_2012")


def _drawn(distribution: Distribution, shape: Sequence[int], *, rng: np.random.Generator) -> np.ndarray:
    kind, size = distribution
    if kind == "normal":
        return rng.standard_normal(tuple(shape), dtype=np.float32) * np.float32(size)
    return (rng.random(tuple(shape), dtype=np.float32) * 2 - 1) * np.float32(size)


def _fan_in(shape: Sequence[int]) -> int:
    return int(np.prod(shape[1:]))


def _fan_out(shape: Sequence[int]) -> int:
    """Outputs that one input reaches, groups not considered, as torch and paddle count it."""
    return int(shape[0] * np.prod(shape[2:]))


def _scaled_deviation(shape: Sequence[int]) -> float:
    if len(shape) == 1:
        return 0.1
    return float(np.sqrt(2 / np.prod(shape[1:])))


def _normal(shape: Sequence[int], *, seed: int, index: int, deviation: float) -> np.ndarray:
    rng = np.random.default_rng((seed, index))
    return rng.standard_normal(tuple(shape), dtype=np.float32) * np.float32(deviation)
