"""Weights of interpolation as paddle computes them, from coordinates in float32."""

from enum import Enum
from math import floor

import numpy as np

LINEAR, CUBIC = "linear", "cubic"
KINDS = {"linear": LINEAR, "bilinear": LINEAR, "trilinear": LINEAR, "bicubic": CUBIC}  # by torch's mode
SHARPNESS = -0.75  # of the cubic's


class Coordinates(Enum):
    """How one of paddle's kernels computes where an output lies in the input."""

    IN_FLOAT64 = "from a ratio in float32, else in float64"
    FUSED = "in float32, product and difference rounded once"
    IN_FLOAT32 = "in float32, product and difference each rounded"


def coordinates(mode: str, *, axis: int, axes: int, backward: bool) -> Coordinates:
    """How paddle's kernel for torch's ``mode`` computes one of so many axes."""
    if backward:
        return Coordinates.IN_FLOAT32
    if mode in ("linear", "bicubic"):
        return Coordinates.IN_FLOAT64
    return Coordinates.FUSED if mode == "bilinear" and axis < axes - 1 else Coordinates.IN_FLOAT32


def weights(
    size: int, out: int, *, kind: str, aligned: bool, scale: float | None, how: Coordinates
) -> np.ndarray:
    """What each output takes from each input along one axis: (out, size), float64.

    ``scale`` is the factor that was asked for, None where it was a size.
    """
    ratio = _ratio(size, out, aligned=aligned, scale=scale)
    taps = _linear_taps if kind == LINEAR else _cubic_taps
    in_float32 = kind == LINEAR and (aligned or how is not Coordinates.IN_FLOAT64)
    matrix = np.zeros((out, size))
    for place in range(out):
        center = float(ratio * np.float32(place)) if aligned else _center(place, ratio, how)
        for source, weight in taps(center, in_float32=in_float32):
            matrix[place, min(max(source, 0), size - 1)] += weight
    return matrix


def _ratio(size: int, out: int, *, aligned: bool, scale: float | None) -> np.float32:
    if aligned:
        return np.float32(size - 1) / np.float32(out - 1) if out > 1 else np.float32(0)
    return np.float32(1 / scale) if scale else np.float32(size) / np.float32(out)


def _center(place: int, ratio: np.float32, how: Coordinates) -> float:
    """Where an output lies in the input."""
    if how is Coordinates.IN_FLOAT32:
        return float(ratio * np.float32(place + 0.5) - np.float32(0.5))
    exact = float(ratio) * (place + 0.5) - 0.5
    return exact if how is Coordinates.IN_FLOAT64 else float(np.float32(exact))


def _linear_taps(center: float, *, in_float32: bool) -> list[tuple[int, float]]:
    center = max(center, 0.0)
    first = int(center)
    share = center - first
    if in_float32:
        share = float(np.float32(share))
        return [(first, float(np.float32(1) - np.float32(share))), (first + 1, share)]
    return [(first, 1 - share), (first + 1, share)]


def _cubic_taps(center: float, *, in_float32: bool) -> list[tuple[int, float]]:
    first = floor(np.float32(center))
    share = center - first
    distances = share + 1, share, 1 - share, 2 - share
    cubics = _outer_cubic, _inner_cubic, _inner_cubic, _outer_cubic
    shares = [cubic(distance) for cubic, distance in zip(cubics, distances, strict=True)]
    return list(zip(range(first - 1, first + 3), shares, strict=True))


def _inner_cubic(x: float) -> float:
    return ((SHARPNESS + 2) * x - (SHARPNESS + 3)) * x * x + 1


def _outer_cubic(x: float) -> float:
    return ((SHARPNESS * x - 5 * SHARPNESS) * x + 8 * SHARPNESS) * x - 4 * SHARPNESS
