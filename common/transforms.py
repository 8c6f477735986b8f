"""torchvision's transforms with Pillow and NumPy inside, so that both frameworks see equal pixels.

Each is called as ``transform(image, rng)``; those that draw nothing ignore ``rng``.
Reference: https://docs.pytorch.org/vision/stable/transforms.html
"""

from collections.abc import Sequence
from typing import Any, Protocol

import numpy as np
from PIL import Image

IMAGENET_MEAN, IMAGENET_STD = (0.485, 0.456, 0.406), (0.229, 0.224, 0.225)


class Transform(Protocol):
    """One step from a decoded image towards the array that a model takes."""

    def __call__(self, image: Any, rng: np.random.Generator | None = None, /) -> Any:
        """Transform an image; random ones draw from ``rng`` and from nothing else."""


class Compose:
    """Apply transforms one after the other."""

    def __init__(self, transforms: Sequence[Transform]) -> None:
        self.transforms = list(transforms)

    def __call__(self, image: Any, rng: np.random.Generator | None = None) -> Any:
        for transform in self.transforms:
            image = transform(image, rng)
        return image


class Resize:
    """Resize to (height, width), or its shorter side to a number; bilinear, antialiased."""

    def __init__(self, size: int | Sequence[int]) -> None:
        self.size = size

    def __call__(self, image: Image.Image, rng: np.random.Generator | None = None) -> Image.Image:
        return image.resize(self._target(image.width, image.height), Image.Resampling.BILINEAR)

    def _target(self, width: int, height: int) -> tuple[int, int]:
        if not isinstance(self.size, int):
            return self.size[1], self.size[0]
        if width <= height:
            return self.size, int(self.size * height / width)
        return int(self.size * width / height), self.size


class ToArray:
    """An image (height, width, channels) of 0..255 to a float32 array (channels, height, width) of 0..1."""

    def __call__(self, image: Image.Image, rng: np.random.Generator | None = None) -> np.ndarray:
        pixels = np.asarray(image)
        pixels = pixels[np.newaxis] if pixels.ndim == 2 else pixels.transpose(2, 0, 1)
        return pixels.astype(np.float32) / np.float32(255)


class Normalize:
    """Subtract a mean and divide by a deviation, per channel, in float32."""

    def __init__(self, mean: Sequence[float], std: Sequence[float]) -> None:
        self.mean = np.array(mean, dtype=np.float32)[:, np.newaxis, np.newaxis]
        self.std = np.array(std, dtype=np.float32)[:, np.newaxis, np.newaxis]

    def __call__(self, array: np.ndarray, rng: np.random.Generator | None = None) -> np.ndarray:
        return (array - self.mean) / self.std


def evaluation_transform(input_shape: Sequence[int]) -> Compose:
    """Resize, scale and normalise to (channels, height, width), as evaluation does.

    Three channels take ImageNet's mean and deviation; any other number takes 0.5 and 0.5.
    """
    channels, height, width = input_shape
    mean, std = (IMAGENET_MEAN, IMAGENET_STD) if channels == 3 else ([0.5] * channels, [0.5] * channels)
    return Compose([Resize((height, width)), ToArray(), Normalize(mean, std)])
