"""Inputs of a case, drawn in NumPy: every worker draws the same.

An input is described by its kind and its axes: "B C S S", "positive: B C", "labels 5: B". Letters are sizes.
Floating-point numbers are float32's, so that float64 and float32 see the same. "fixed" at the end asks for no
gradient.
"""

import zlib
from collections.abc import Callable, Mapping
from dataclasses import dataclass

import numpy as np

Draw = Callable[[np.random.Generator, tuple[int, ...], int], np.ndarray]
KINDS: dict[str, Draw] = {
    "normal": lambda rng, shape, _: rng.standard_normal(shape),
    "positive": lambda rng, shape, _: np.abs(rng.standard_normal(shape)) + 0.1,
    "unit": lambda rng, shape, _: rng.uniform(0.05, 0.95, shape),
    "within": lambda rng, shape, _: rng.uniform(-0.95, 0.95, shape),
    "beyond": lambda rng, shape, _: rng.uniform(1.05, 3.0, shape),
    "small": lambda rng, shape, _: rng.standard_normal(shape) * 1e-3,
    "large": lambda rng, shape, _: rng.standard_normal(shape) * 50,
    "ties": lambda rng, shape, _: np.round(rng.standard_normal(shape) * 2) / 2,
    "ones": lambda _, shape, __: np.ones(shape),
    "signs": lambda rng, shape, _: rng.choice([-1.0, 1.0], shape),
    "shares": lambda rng, shape, _: _shares(rng, shape),
    "definite": lambda rng, shape, _: _definite(rng, shape),
    "labels": lambda rng, shape, below: rng.integers(below, size=shape),
    "holes": lambda rng, shape, below: np.where(
        rng.random(shape) < 0.3, -100, rng.integers(below, size=shape)
    ),
    "bools": lambda rng, shape, _: rng.random(shape) < 0.5,
    "bytes": lambda rng, shape, _: rng.integers(256, size=shape, dtype=np.uint8),
    "image": lambda rng, shape, _: rng.integers(256, size=shape, dtype=np.uint8),
}
WHOLE = ("labels", "holes", "bools", "bytes", "image")  # kinds that are no floating-point numbers
EDGES = {"nan": {}, "infinity": {}, "empty": {"B": 0}, "one": {"B": 1, "S": 1}}


@dataclass(frozen=True, kw_only=True)
class Drawn:
    """How an input is drawn."""

    kind: str
    axes: tuple[str, ...]
    below: int
    differentiable: bool

    @classmethod
    def parse(cls, text: str) -> "Drawn":
        """Read a description. Raises ValueError where it is none."""
        kind, colon, axes = text.rpartition(":")
        word, _, below = kind.strip().partition(" ") if colon else ("normal", "", "")
        names = axes.split()
        fixed = names[-1:] == ["fixed"]
        if word not in KINDS:
            raise ValueError(f"{text!r}: unknown kind {word!r}; choose among {', '.join(KINDS)}")
        names = names[:-1] if fixed else names
        differentiable = not fixed and word not in WHOLE
        return cls(kind=word, axes=tuple(names), below=int(below or 2), differentiable=differentiable)

    def shape(self, sizes: Mapping[str, int]) -> tuple[int, ...]:
        """The sizes of the axes."""
        return tuple(sizes[axis] if axis in sizes else int(axis) for axis in self.axes)


def draw(name: str, text: str, sizes: Mapping[str, int]) -> np.ndarray:
    """An input: float64 with numbers that float32 has, int64, bool, or uint8 (H, W, 3) of an image."""
    drawn = Drawn.parse(text)
    shape = drawn.shape(sizes)
    rng = np.random.default_rng((zlib.crc32(name.encode()), *shape))
    array = KINDS[drawn.kind](rng, shape, drawn.below)
    return array.astype(np.float32).astype(np.float64) if array.dtype.kind == "f" else array


def with_edge(array: np.ndarray, edge: str) -> np.ndarray:
    """The array with what an edge puts into it; the sizes of "empty" and "one" are the caller's."""
    values = {"nan": [np.nan], "infinity": [np.inf, -np.inf]}.get(edge, [])
    array = array.copy()
    places = np.linspace(0, array.size, len(values) + 2).astype(int)[1:-1]
    for place, value in zip(places, values, strict=True):
        if array.size:
            array.reshape(-1)[place] = value
    return array


def _shares(rng: np.random.Generator, shape: tuple[int, ...]) -> np.ndarray:
    """Probabilities along axis 1."""
    axis = min(1, len(shape) - 1)
    sides = shape[:axis] + shape[axis + 1 :]
    parts = rng.multinomial(64, np.full(shape[axis], 1 / shape[axis]), size=sides) / 64  # sums are exactly 1
    return np.moveaxis(parts, -1, axis)


def _definite(rng: np.random.Generator, shape: tuple[int, ...]) -> np.ndarray:
    """Symmetric positive definite matrices in the last two axes."""
    half = rng.standard_normal(shape)
    definite: np.ndarray = half @ half.swapaxes(-1, -2) + 2 * np.eye(shape[-1])
    return definite
