"""The transforms that move pixels: resizing, cropping, padding, mirroring; torchvision's, in Pillow."""

import math
from collections.abc import Sequence

import numpy as np
from PIL import Image, ImageOps

from common.transforms.base import Rng, required


class Resize:
    """Resize to (height, width), or the shorter side to a number; antialiased."""

    deterministic = True

    def __init__(
        self, size: int | Sequence[int], interpolation: Image.Resampling = Image.Resampling.BILINEAR
    ) -> None:
        self.size, self.interpolation = size, interpolation

    def __call__(self, image: Image.Image, rng: Rng | None = None) -> Image.Image:
        return image.resize(self._target(image.width, image.height), self.interpolation)

    def _target(self, width: int, height: int) -> tuple[int, int]:
        if not isinstance(self.size, int):
            return self.size[1], self.size[0]
        if width <= height:
            return self.size, int(self.size * height / width)
        return int(self.size * width / height), self.size


class CenterCrop:
    """The middle of an image, (height, width) or a square.

    A smaller image is padded with black first.
    """

    deterministic = True

    def __init__(self, size: int | Sequence[int]) -> None:
        self.height, self.width = _pair(size)

    def __call__(self, image: Image.Image, rng: Rng | None = None) -> Image.Image:
        across, down = max(self.width - image.width, 0), max(self.height - image.height, 0)
        if across or down:
            border = (across // 2, down // 2, (across + 1) // 2, (down + 1) // 2)
            image = ImageOps.expand(image, border=border, fill=0)
        left = round((image.width - self.width) / 2)
        top = round((image.height - self.height) / 2)
        return image.crop((left, top, left + self.width, top + self.height))


class Pad:
    """A border of (all), (left and right, top and bottom) or (left, top, right, bottom) pixels.

    ``padding_mode`` is "constant" (``fill``), or "edge", "reflect" or "symmetric" as numpy.pad has them.
    """

    deterministic = True

    def __init__(
        self, padding: int | Sequence[int], fill: int | tuple[int, ...] = 0, padding_mode: str = "constant"
    ) -> None:
        sides = (padding,) * 4 if isinstance(padding, int) else tuple(padding)
        self.border = sides * 2 if len(sides) == 2 else sides
        self.fill, self.padding_mode = fill, padding_mode

    def __call__(self, image: Image.Image, rng: Rng | None = None) -> Image.Image:
        if self.padding_mode == "constant":
            # A bare number would be Pillow's packed colour: 7 is (7, 0, 0) there, (7, 7, 7) here.
            bands = len(image.getbands())
            fill = (self.fill,) * bands if isinstance(self.fill, int) and bands > 1 else self.fill
            return ImageOps.expand(image, border=self.border, fill=fill)
        left, top, right, bottom = self.border
        pixels = np.asarray(image)
        widths = [(top, bottom), (left, right)] + [(0, 0)] * (pixels.ndim - 2)
        return Image.fromarray(np.pad(pixels, widths, mode=self.padding_mode))  # type: ignore[call-overload]


class RandomHorizontalFlip:
    """Mirror left and right with probability ``p``."""

    def __init__(self, p: float = 0.5) -> None:
        self.p = p

    def __call__(self, image: Image.Image, rng: Rng | None = None) -> Image.Image:
        return self.apply(image, self.draw(required(rng)))

    def draw(self, rng: Rng) -> bool:
        """Draw whether to mirror."""
        return bool(rng.random() < self.p)

    def apply(self, image: Image.Image, mirror: bool) -> Image.Image:
        """Mirror or not."""
        return image.transpose(Image.Transpose.FLIP_LEFT_RIGHT) if mirror else image


class RandomResizedCrop:
    """A part of random area and aspect ratio, resized to ``size``: Inception's augmentation."""

    TRIES = 10

    def __init__(
        self,
        size: int | Sequence[int],
        scale: tuple[float, float] = (0.08, 1.0),
        ratio: tuple[float, float] = (3 / 4, 4 / 3),
        interpolation: Image.Resampling = Image.Resampling.BILINEAR,
    ) -> None:
        self.resize = Resize(_pair(size), interpolation)
        self.scale, self.ratio = scale, ratio

    def __call__(self, image: Image.Image, rng: Rng | None = None) -> Image.Image:
        return self.apply(image, self.draw(image.size, required(rng)))

    def draw(self, size: tuple[int, int], rng: Rng) -> tuple[int, int, int, int]:
        """(top, left, height, width) of a part of an image of (width, height)."""
        width, height = size
        low, high = math.log(self.ratio[0]), math.log(self.ratio[1])
        for _ in range(self.TRIES):
            area = width * height * rng.uniform(*self.scale)
            aspect = math.exp(rng.uniform(low, high))
            across, down = round(math.sqrt(area * aspect)), round(math.sqrt(area / aspect))
            if 0 < across <= width and 0 < down <= height:
                top, left = rng.integers(height - down + 1), rng.integers(width - across + 1)
                return int(top), int(left), down, across
        return self._middle(width, height)

    def apply(self, image: Image.Image, part: tuple[int, int, int, int]) -> Image.Image:
        """Cut the part out and resize it."""
        top, left, height, width = part
        return self.resize(image.crop((left, top, left + width, top + height)))

    def _middle(self, width: int, height: int) -> tuple[int, int, int, int]:
        """The largest part in the middle whose aspect ratio is allowed."""
        aspect = width / height
        across = round(height * self.ratio[1]) if aspect > self.ratio[1] else width
        down = round(width / self.ratio[0]) if aspect < self.ratio[0] else height
        return (height - down) // 2, (width - across) // 2, down, across


def _pair(size: int | Sequence[int]) -> tuple[int, int]:
    return (size, size) if isinstance(size, int) else (size[0], size[1])
