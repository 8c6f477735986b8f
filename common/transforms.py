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
    "evaluation_transform",
]

IMAGENET_MEAN, IMAGENET_STD = (0.485, 0.456, 0.406), (0.229, 0.224, 0.225)


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


def evaluation_transform(input_shape: Sequence[int]) -> Compose:
    """Resize, scale and normalise to (channels, height, width), as evaluation does.

    Three channels take ImageNet's mean and deviation; any other number takes 0.5 and 0.5.
    """
    channels, height, width = input_shape
    mean, std = (IMAGENET_MEAN, IMAGENET_STD) if channels == 3 else ([0.5] * channels, [0.5] * channels)
    return Compose([Resize((height, width)), ToArray(), Normalize(mean, std)])
