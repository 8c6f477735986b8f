"""Parts of every chain of transforms: what one is, chains, and the steps between images and arrays."""

from collections.abc import Sequence
from typing import Any, Protocol, TypeAlias

import numpy as np
from PIL import Image

Rng: TypeAlias = np.random.Generator


def required(rng: Rng | None) -> Rng:
    """The generator, without which a random transform cannot draw.

    Raises ValueError where it is None.
    """
    if rng is None:
        raise ValueError("a random transform needs a numpy.random.Generator as its second argument")
    return rng


class Transform(Protocol):
    """One step from a decoded image towards the array that a model takes."""

    def __call__(self, image: Any, rng: Rng | None = None, /) -> Any:
        """Transform an image; random ones draw from ``rng`` and from nothing else."""


class Compose:
    """Apply transforms one after the other."""

    def __init__(self, transforms: Sequence[Transform]) -> None:
        self.transforms = list(transforms)

    def __call__(self, image: Any, rng: Rng | None = None) -> Any:
        for transform in self.transforms:
            image = transform(image, rng)
        return image


def is_random(transform: Transform) -> bool:
    """True unless a transform calls itself ``deterministic``: it may draw random numbers."""
    if isinstance(transform, Compose):
        return any(is_random(step) for step in transform.transforms)
    return not getattr(transform, "deterministic", False)


class ToArray:
    """An image (height, width, channels) of 0..255 to a float32 array (channels, height, width) of 0..1."""

    def __call__(self, image: Image.Image, rng: Rng | None = None) -> np.ndarray:
        pixels = np.asarray(image)
        pixels = pixels[np.newaxis] if pixels.ndim == 2 else pixels.transpose(2, 0, 1)
        return pixels.astype(np.float32) / np.float32(255)


class Normalize:
    """Subtract a mean and divide by a deviation, per channel, in float32."""

    def __init__(self, mean: Sequence[float], std: Sequence[float]) -> None:
        self.mean = np.array(mean, dtype=np.float32)[:, np.newaxis, np.newaxis]
        self.std = np.array(std, dtype=np.float32)[:, np.newaxis, np.newaxis]

    def __call__(self, array: np.ndarray, rng: Rng | None = None) -> np.ndarray:
        return (array - self.mean) / self.std
