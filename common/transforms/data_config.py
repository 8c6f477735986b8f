"""Preprocessing of a recipe as plain data, for training and everything after it.

What evaluation needs travels in a checkpoint, so that nobody has to repeat it by hand.
"""

from collections.abc import Mapping
from dataclasses import asdict, dataclass, fields, replace
from typing import Any

import numpy as np
from PIL import Image

from common.cli import UsageError
from common.transforms.base import Compose, Rng, Transform, required
from common.transforms.color import PCALighting
from common.transforms.geometry import CenterCrop, Pad, RandomHorizontalFlip, RandomResizedCrop, Resize
from common.transforms.preprocessing import Preprocessing


@dataclass(frozen=True, kw_only=True)
class DataConfig:
    """From a decoded image to the numbers that a model takes.

    ``resize`` is (height, width), or the shorter side, of which ``crop`` then cuts out the middle square;
    ``pad`` puts a black border around the result.
    Training takes a random part resized to ``random_crop`` instead (0: as evaluation does), mirrors with
    probability ``flip`` and adds the 2012 paper's lighting of deviation ``lighting``. Pixels of 0..255
    are divided by ``scale``; then ``mean`` is subtracted and ``std`` divided by, per channel.
    """

    channels: int
    resize: int | tuple[int, int]
    crop: int = 0
    pad: int = 0
    random_crop: int = 0
    flip: float = 0.0
    lighting: float = 0.0
    scale: float = 255.0
    mean: tuple[float, ...]
    std: tuple[float, ...]

    def __post_init__(self) -> None:
        if self.lighting and self.channels != 3:
            raise UsageError("--lighting shifts the colours of RGB images, and these are grey; leave it out")

    @property
    def input_shape(self) -> tuple[int, int, int]:
        """(channels, height, width) of what the model takes."""
        height, width = self._inner
        return self.channels, height + 2 * self.pad, width + 2 * self.pad

    def for_evaluation(self) -> Preprocessing:
        """Without chance."""
        return self._preprocessing([self._shaping()])

    def for_training(self) -> Preprocessing:
        """With the recipe's augmentation."""
        steps: list[Transform] = [
            RandomResizedCrop(self.random_crop) if self.random_crop else self._shaping()
        ]
        if self.flip:
            steps.append(RandomHorizontalFlip(self.flip))
        if self.lighting:
            steps.append(Lighting(self.lighting))
        return self._preprocessing(steps)

    def resized(self, side: int) -> "DataConfig":
        """The same for a model whose images are ``side`` wide and high."""
        return replace(self, resize=(side, side), crop=0, pad=0, random_crop=side if self.random_crop else 0)

    def to_json(self) -> dict[str, Any]:
        """As JSON can hold it."""
        return asdict(self)

    @classmethod
    def from_json(cls, values: Mapping[str, Any]) -> "DataConfig":
        """The reverse of ``to_json``."""
        known = {field.name for field in fields(cls)}
        entries: dict[str, Any] = {
            name: tuple(value) if isinstance(value, list) else value
            for name, value in values.items()
            if name in known
        }
        return cls(**entries)

    @property
    def _inner(self) -> tuple[int, int]:
        """(height, width) without the border."""
        if self.crop:
            return self.crop, self.crop
        return (self.resize, self.resize) if isinstance(self.resize, int) else self.resize

    def _shaping(self) -> Transform:
        steps: list[Transform] = [Resize(self.resize if self.crop else self._inner)]
        if self.crop:
            steps.append(CenterCrop(self.crop))
        if self.pad:
            steps.append(Pad(self.pad))
        return Compose(steps)

    def _preprocessing(self, steps: list[Transform]) -> Preprocessing:
        return Preprocessing(
            image=Compose(steps), shape=self.input_shape, mean=self.mean, std=self.std, scale=self.scale
        )


class Lighting:
    """PCALighting on an RGB image: the shift of each channel is rounded to whole values of 0..255."""

    def __init__(self, deviation: float) -> None:
        self.colors = PCALighting(deviation)

    def __call__(self, image: Image.Image, rng: Rng | None = None) -> Image.Image:
        """Shift the channels by an amount drawn from ``rng``."""
        shift = self.colors.apply(np.zeros((3, 1, 1), np.float32), self.colors.draw(required(rng)))
        values = np.arange(256) + shift.reshape(3, 1) * 255
        return image.point(np.clip(np.rint(values), 0, 255).astype(int).ravel().tolist())
