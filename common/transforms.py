"""torchvision's transforms with Pillow and NumPy inside, so that both frameworks see equal pixels.

Each is called as ``transform(image, rng)``; those that draw nothing ignore ``rng``. A random one is two
steps, ``draw`` and ``apply``, so that what was drawn can be given to another library.
Reference: https://docs.pytorch.org/vision/stable/transforms.html; paddle.vision's agree as well, except
for what tests/test_paddle_transforms.py lists.
"""

from collections.abc import Sequence
from typing import Any, Protocol

import numpy as np
from PIL import Image

from common.colors import ColorJitter, Grayscale, PCALighting
from common.geometry import CenterCrop, Pad, RandomHorizontalFlip, RandomResizedCrop, Resize
from common.randomness import Rng

__all__ = [
    "CenterCrop",
    "ColorJitter",
    "Compose",
    "Grayscale",
    "Normalize",
    "PCALighting",
    "Pad",
    "RandomHorizontalFlip",
    "RandomResizedCrop",
    "Resize",
    "ToArray",
    "Transform",
    "is_random",
]


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


DRAWS_NOTHING = (Resize, CenterCrop, Pad, Grayscale)


def is_random(transform: Transform) -> bool:
    """Whether a transform may draw; one that is not known here may."""
    if isinstance(transform, Compose):
        return any(is_random(step) for step in transform.transforms)
    return not isinstance(transform, DRAWS_NOTHING)


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
