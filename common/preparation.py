"""How a recipe prepares images, for training and for everything after it, as plain data.

What evaluation needs travels in a checkpoint, so that nobody has to repeat it by hand.
"""

from collections.abc import Mapping
from dataclasses import asdict, dataclass, fields, replace
from typing import Any

from common.transforms import (
    CenterCrop,
    Compose,
    RandomHorizontalFlip,
    RandomResizedCrop,
    Resize,
    Transform,
)


@dataclass(frozen=True, kw_only=True)
class Preparation:
    """From a decoded image to the numbers that a model takes.

    ``resize`` is (height, width), or the shorter side; ``crop`` then cuts out the middle (0: no crop).
    Training takes a random part resized to ``random_crop`` instead (0: as evaluation does), mirrors with
    probability ``flip`` and adds the 2012 paper's lighting of deviation ``lighting``. Pixels of 0..255
    are divided by ``scale``; then ``mean`` is subtracted and ``std`` divided by, per channel.
    """

    channels: int
    resize: int | tuple[int, int]
    crop: int = 0
    random_crop: int = 0
    flip: float = 0.0
    lighting: float = 0.0
    scale: float = 255.0
    mean: tuple[float, ...]
    std: tuple[float, ...]

    def for_evaluation(self) -> Transform:
        """Image to image, without chance."""
        return Compose([Resize(self.resize), *([CenterCrop(self.crop)] if self.crop else [])])

    def for_training(self) -> Transform:
        """Image to image, with the recipe's augmentation."""
        first = RandomResizedCrop(self.random_crop) if self.random_crop else self.for_evaluation()
        return Compose([first, *([RandomHorizontalFlip(self.flip)] if self.flip else [])])

    @property
    def input_shape(self) -> tuple[int, int, int] | None:
        """(channels, height, width) of every evaluated image; None where it depends on the image."""
        if self.crop:
            return self.channels, self.crop, self.crop
        return None if isinstance(self.resize, int) else (self.channels, *self.resize)

    def resized(self, side: int) -> "Preparation":
        """The same for a model whose images are ``side`` wide and high."""
        return replace(self, resize=(side, side), crop=0, random_crop=side if self.random_crop else 0)

    def to_json(self) -> dict[str, Any]:
        """As JSON can hold it."""
        return asdict(self)

    @classmethod
    def from_json(cls, values: Mapping[str, Any]) -> "Preparation":
        """The reverse of ``to_json``; entries of later versions are ignored."""
        known = {field.name for field in fields(cls)}
        entries: dict[str, Any] = {
            name: tuple(value) if isinstance(value, list) else value
            for name, value in values.items()
            if name in known
        }
        return cls(**entries)
