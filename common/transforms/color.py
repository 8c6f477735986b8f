"""The transforms that change colours: torchvision's, and the 2012 paper's PCA lighting."""

from collections.abc import Sequence
from typing import NamedTuple

import numpy as np
from PIL import Image, ImageEnhance

from common.transforms.base import Rng, required

# Principal components of ImageNet's RGB values in 0..1, as everyone uses them since fb.resnet.torch:
# the 2012 paper gives the method (section 4.1) and not the numbers.
IMAGENET_EIGENVALUES = (0.2175, 0.0188, 0.0045)
IMAGENET_EIGENVECTORS = (
    (-0.5675, 0.7192, 0.4009),
    (-0.5808, -0.0045, -0.8140),
    (-0.5836, -0.6948, 0.4203),
)
Range = float | tuple[float, float]


class Grayscale:
    """Luminance (ITU-R 601-2), as one channel or repeated in three."""

    deterministic = True

    def __init__(self, num_output_channels: int = 1) -> None:
        self.num_output_channels = num_output_channels

    def __call__(self, image: Image.Image, rng: Rng | None = None) -> Image.Image:
        grey = image.convert("L")
        return grey if self.num_output_channels == 1 else Image.merge("RGB", [grey] * 3)


class Jitter(NamedTuple):
    """Draws of ColorJitter: the order of its four steps, and a factor for each.

    None leaves one out.
    """

    order: tuple[int, ...]
    brightness: float | None
    contrast: float | None
    saturation: float | None
    hue: float | None


class ColorJitter:
    """Brightness, contrast, saturation and hue, each by a random factor, in random order.

    A number x stands for factors of max(0, 1 - x)..1 + x, and for a hue of -x..x with x at most 0.5;
    a pair gives the range itself; 0 leaves a property as it is.
    """

    def __init__(
        self, brightness: Range = 0, contrast: Range = 0, saturation: Range = 0, hue: Range = 0
    ) -> None:
        self.factors = [_range(value, middle=1.0, least=0.0) for value in (brightness, contrast, saturation)]
        self.hue = _range(hue, middle=0.0, least=-0.5)
        if self.hue is not None and not -0.5 <= self.hue[0] <= self.hue[1] <= 0.5:
            raise ValueError(f"hue must lie in -0.5..0.5, got {hue!r}")

    def __call__(self, image: Image.Image, rng: Rng | None = None) -> Image.Image:
        return self.apply(image, self.draw(required(rng)))

    def draw(self, rng: Rng) -> Jitter:
        """An order and the four factors."""
        order = tuple(int(step) for step in rng.permutation(4))
        ranges = (*self.factors, self.hue)
        return Jitter(order, *(None if between is None else rng.uniform(*between) for between in ranges))

    def apply(self, image: Image.Image, jitter: Jitter) -> Image.Image:
        """Change the properties in their order."""
        factors = jitter[1:]
        for step in jitter.order:
            factor = factors[step]
            if factor is not None:
                image = _shift_hue(image, factor) if step == 3 else _ENHANCERS[step](image).enhance(factor)
        return image


class PCALighting:
    """Add the principal components of ImageNet's colours, each times a normal number, to every pixel.

    Krizhevsky et al. 2012, section 4.1: per image, alpha is drawn from N(0, 0.1) for each component,
    and the sum of alpha times eigenvalue times eigenvector is added. Takes and gives a float32 array
    (3, height, width) of 0..1, as ToArray makes it; results may leave 0..1 a little.
    """

    def __init__(self, deviation: float = 0.1) -> None:
        self.deviation = deviation

    def __call__(self, array: np.ndarray, rng: Rng | None = None) -> np.ndarray:
        return self.apply(array, self.draw(required(rng)))

    def draw(self, rng: Rng) -> np.ndarray:
        """The three alphas."""
        return rng.normal(0.0, self.deviation, size=3)

    def apply(self, array: np.ndarray, alphas: Sequence[float] | np.ndarray) -> np.ndarray:
        """Add the components."""
        shift = np.array(IMAGENET_EIGENVECTORS) @ (np.asarray(alphas) * IMAGENET_EIGENVALUES)
        return array + shift.astype(np.float32)[:, np.newaxis, np.newaxis]


_ENHANCERS = (ImageEnhance.Brightness, ImageEnhance.Contrast, ImageEnhance.Color)


def _range(value: Range, *, middle: float, least: float) -> tuple[float, float] | None:
    if isinstance(value, tuple):
        low, high = value
    elif value < 0:
        raise ValueError(f"a jitter cannot be negative, got {value!r}")
    else:
        low, high = max(middle - value, least), middle + value
    return None if low == high == middle else (low, high)


def _shift_hue(image: Image.Image, factor: float) -> Image.Image:
    """Turn the colour circle by ``factor``, in 1/255 steps and around its end, as torchvision does."""
    if image.mode in ("L", "1", "I", "F"):
        return image
    hue, saturation, value = image.convert("HSV").split()
    shift = int(factor * 255) % 256
    turned = Image.fromarray(np.asarray(hue) + np.uint8(shift))
    return Image.merge("HSV", (turned, saturation, value)).convert(image.mode)
