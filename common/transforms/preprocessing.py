"""From a decoded image to its place in a batch: transformed, scaled, normalised."""

import operator
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
from PIL import Image

from common.transforms.base import Compose, Rng, Transform
from common.transforms.geometry import RandomHorizontalFlip, RandomResizedCrop, Resize
from common.transforms.pixels import copy_planes

TOGETHER = 8  # images scaled at a time
UFUNCS = {operator.truediv: np.divide, operator.sub: np.subtract}
IMAGENET_MEAN, IMAGENET_STD = (0.485, 0.456, 0.406), (0.229, 0.224, 0.225)


@dataclass(frozen=True, kw_only=True)
class Preprocessing:
    """What a model is given of an image: float32 (channels, height, width), ``(x / scale - mean) / std``.

    ``image`` turns any decoded image into one of ``shape`` (channels, height, width). Without ``mean`` and
    ``std``, one number per channel each, values are only scaled. The arithmetic is done in float32 and in
    place, where the batch lies; it equals ``Normalize(mean, std)(ToArray()(image))`` bit for bit.
    """

    image: Transform
    shape: tuple[int, int, int]
    mean: tuple[float, ...] = ()
    std: tuple[float, ...] = ()
    scale: float = 255.0

    def __post_init__(self) -> None:
        channels = self.shape[0]
        if any(values and len(values) != channels for values in (self.mean, self.std)):
            raise ValueError(f"mean {self.mean} and std {self.std} must have {channels} numbers, or none")

    def __call__(self, image: Image.Image, rng: Rng | None = None) -> np.ndarray:
        """One image as an array of its own."""
        pixels, array = np.empty(self.shape, np.uint8), np.empty(self.shape, np.float32)
        self.write(image, rng, pixels)
        self.scale_into(array[np.newaxis], pixels[np.newaxis])
        return array

    def write(self, image: Image.Image, rng: Rng | None, target: np.ndarray) -> None:
        """Transform an image and write its pixels into ``target``, uint8 of ``shape``."""
        image = self.image(image, rng)
        if (len(image.getbands()), image.height, image.width) != self.shape:
            size = f"{len(image.getbands())}x{image.height}x{image.width}"
            raise ValueError(f"the transforms gave an image of {size}, not {self.shape}")
        copy_planes(image, target)

    def steps(self) -> list[tuple[Callable[..., Any], np.ndarray]]:
        """What scaling does one after the other, each with numbers of float32 (channels or 1, 1, 1).

        The operations are ``operator``'s and serve arrays and tensors of any framework.
        """
        steps = [(operator.truediv, (self.scale,)), (operator.sub, self.mean), (operator.truediv, self.std)]
        return [(operation, _per_channel(numbers)) for operation, numbers in steps if numbers]

    def scale_into(self, target: np.ndarray, pixels: np.ndarray) -> None:
        """Scale and normalise uint8 ``pixels`` into float32 ``target``, both (batch, *shape).

        A few images at a time, so that they stay in the processor's cache from one pass to the next.
        """
        for start in range(0, len(pixels), TOGETHER):
            part = target[start : start + TOGETHER]
            np.copyto(part, pixels[start : start + TOGETHER])
            for operation, numbers in self.steps():
                UFUNCS[operation](part, numbers, out=part)


def evaluation_preprocessing(shape: Sequence[int]) -> Preprocessing:
    """Resize, scale and normalise to (channels, height, width), as evaluation does."""
    return _normalised(Resize(tuple(shape[1:])), shape)


def training_preprocessing(shape: Sequence[int]) -> Preprocessing:
    """A random part, resized and mirrored or not, then scaled and normalised, as training does."""
    return _normalised(Compose([RandomResizedCrop(tuple(shape[1:])), RandomHorizontalFlip()]), shape)


def normalisation(channels: int) -> tuple[tuple[float, ...], tuple[float, ...]]:
    """Mean and deviation: ImageNet's for three channels, 0.5 and 0.5 for one."""
    return (IMAGENET_MEAN, IMAGENET_STD) if channels == 3 else ((0.5,), (0.5,))


def _normalised(image: Transform, shape: Sequence[int]) -> Preprocessing:
    channels, height, width = shape
    mean, std = normalisation(channels)
    return Preprocessing(image=image, shape=(channels, height, width), mean=mean, std=std)


def _per_channel(values: Sequence[float]) -> np.ndarray:
    return np.array(values, dtype=np.float32)[:, np.newaxis, np.newaxis]
