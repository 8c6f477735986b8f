"""From a decoded image to its place in a batch: transformed, scaled, normalised."""

import ctypes
import operator
from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from typing import Any

import numpy as np
from PIL import Image

from common.cli import UsageError
from common.transforms.base import Compose, Rng, Transform
from common.transforms.geometry import RandomHorizontalFlip, RandomResizedCrop, Resize

TOGETHER = 8  # images scaled at a time
UFUNCS = {operator.truediv: np.divide, operator.sub: np.subtract}
IMAGENET_MEAN, IMAGENET_STD = (0.485, 0.456, 0.406), (0.229, 0.224, 0.225)


@dataclass(frozen=True, kw_only=True)
class Preprocessing:
    """Preprocessing of an image for a model: float32 (channels, height, width), ``(x / scale - mean) / std``.

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
        """Arithmetic of scaling, in order, each with numbers of float32 (channels or 1, 1, 1).

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


def evaluation_preprocessing(
    shape: Sequence[int], *, mean: Sequence[float] | None = None, std: Sequence[float] | None = None
) -> Preprocessing:
    """Resize, scale and normalise to (channels, height, width), as evaluation does.

    ``mean`` and ``std`` have a number for each channel; None: those of ``normalisation``.
    """
    made = _normalised(Resize(tuple(shape[1:])), shape)
    return replace(made, mean=tuple(mean or made.mean), std=tuple(std or made.std))


def training_preprocessing(shape: Sequence[int]) -> Preprocessing:
    """A random part, resized and mirrored or not, then scaled and normalised, as training does."""
    return _normalised(Compose([RandomResizedCrop(tuple(shape[1:])), RandomHorizontalFlip()]), shape)


def normalisation(channels: int) -> tuple[tuple[float, ...], tuple[float, ...]]:
    """Mean and deviation: ImageNet's for three channels, 0.5 and 0.5 for one."""
    return (IMAGENET_MEAN, IMAGENET_STD) if channels == 3 else ((0.5,), (0.5,))


def of_each_channel(values: tuple[float, ...], channels: int, *, flag: str) -> tuple[float, ...]:
    """A flag's numbers, one per channel: one number alone is meant for all. Raises UsageError."""
    values = values * channels if len(values) == 1 else values
    if len(values) != channels:
        raise UsageError(f"{flag}: {len(values)} numbers for {channels} channels; give one, or one for each")
    return values


def _normalised(image: Transform, shape: Sequence[int]) -> Preprocessing:
    channels, height, width = shape
    mean, std = normalisation(channels)
    return Preprocessing(image=image, shape=(channels, height, width), mean=mean, std=std)


def _per_channel(values: Sequence[float]) -> np.ndarray:
    return np.array(values, dtype=np.float32)[:, np.newaxis, np.newaxis]


BYTES_PER_PIXEL = {"L": 1, "RGB": 4}  # in Pillow's memory, where every fourth byte of RGB is idle


class _ArrowArray(ctypes.Structure):
    """The beginning of struct ArrowArray, as far as it is read here."""


_ArrowArray._fields_ = [
    ("length", ctypes.c_int64),
    ("null_count", ctypes.c_int64),
    ("offset", ctypes.c_int64),
    ("n_buffers", ctypes.c_int64),
    ("n_children", ctypes.c_int64),
    ("buffers", ctypes.POINTER(ctypes.c_void_p)),
    ("children", ctypes.POINTER(ctypes.POINTER(_ArrowArray))),
]
_pointer_of = ctypes.pythonapi.PyCapsule_GetPointer
_pointer_of.restype, _pointer_of.argtypes = ctypes.c_void_p, [ctypes.py_object, ctypes.c_char_p]
_memory_at = ctypes.pythonapi.PyMemoryView_FromMemory
_memory_at.restype = ctypes.py_object
_memory_at.argtypes = [ctypes.c_void_p, ctypes.c_ssize_t, ctypes.c_int]
READ_ONLY = 0x100  # PyBUF_READ


def copy_planes(image: Image.Image, target: np.ndarray) -> None:
    """Copy the pixels of an RGB or grey image into ``target``, uint8 (channels, height, width)."""
    channels = len(image.getbands())
    exported = _export(image)
    if exported is None:
        pixels = np.asarray(image).reshape(image.height, image.width, channels)
    else:
        size = image.width * image.height * BYTES_PER_PIXEL[image.mode]
        memory = _memory_at(_address(exported), size, READ_ONLY)
        pixels = np.frombuffer(memory, np.uint8).reshape(image.height, image.width, -1)[..., :channels]
    np.copyto(target, pixels.transpose(2, 0, 1))
    del exported  # until here the pixels stayed where they were


def _export(image: Image.Image) -> Any:
    """The capsule that keeps an image's memory, or None where Pillow has none to give."""
    try:
        return image.__arrow_c_array__()[1]  # type: ignore[attr-defined, unused-ignore]
    except (AttributeError, ValueError):  # an older Pillow; an image in several blocks of memory
        return None


def _address(capsule: Any) -> int:
    """Where the values of an exported image begin: pixels of several bytes are lists with one child."""
    array = _ArrowArray.from_address(_pointer_of(capsule, b"arrow_array"))
    values = array.children[0].contents if array.n_children else array
    address = values.buffers[1]
    assert address is not None and array.offset == values.offset == 0, "not as Pillow exports images"
    return int(address)
