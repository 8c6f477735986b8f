"""Image files to upright RGB or grey images, whatever they are; what cannot be decoded says why.

Nothing that a file holds may crash the process, run a program or exhaust memory.
"""

import warnings
from functools import cache
from pathlib import Path

import numpy as np
from PIL import Image, ImageOps

MODES = {1: "L", 3: "RGB"}  # Pillow's name of an image with so many channels
MAX_PIXELS = 89_478_485  # Pillow's own threshold of suspicion: a quarter of a gigabyte in RGB
RUNS_A_PROGRAM = frozenset({"EPS", "WMF"})  # formats that Pillow hands to Ghostscript or to Windows
SIXTEEN_BIT = frozenset({"I;16", "I;16B", "I;16L", "I;16N", "I"})

# Pillow warns of what it puts up with in damaged files. Whether a file will do is what decode tells,
# in one way; warnings would stand between the lines of a report, and again for each of thousands.
warnings.filterwarnings("ignore", category=UserWarning, module=r"PIL\.")
warnings.filterwarnings("ignore", category=Image.DecompressionBombWarning, module=r"PIL\.")


class DecodeError(ValueError):
    """A file that is no image, is damaged, or is too large; the message is the reason alone."""


def decode(path: Path, *, channels: int) -> Image.Image:
    """The image in a file: the first frame, turned upright by its EXIF data, RGB (3) or grey (1).

    Transparency is dropped, as torchvision's loader drops it; 16 bits become the upper 8. Raises
    DecodeError with the reason, and nothing else except MemoryError.
    """
    try:
        with Image.open(path, formats=_formats()) as image:
            _require_reasonable(image)
            image.load()
            return _in_mode(_upright(image), MODES[channels])
    except DecodeError:
        raise
    except FileNotFoundError:
        raise DecodeError("there is no such file") from None
    except MemoryError:
        raise
    except Exception as error:  # Pillow's plugins raise nearly anything on damaged files
        raise DecodeError(f"{type(error).__name__}: {_reason(error, path)}") from None


def _require_reasonable(image: Image.Image) -> None:
    if image.width * image.height > MAX_PIXELS:
        raise DecodeError(f"{image.width}x{image.height} pixels are more than {MAX_PIXELS:,}")


def _upright(image: Image.Image) -> Image.Image:
    try:
        return ImageOps.exif_transpose(image)
    except Exception:  # damaged EXIF data do not make a good picture worse
        return image


def _in_mode(image: Image.Image, mode: str) -> Image.Image:
    if image.mode in SIXTEEN_BIT:
        # Pillow would clip at 255, and nearly every pixel would be white.
        values = np.asarray(image)
        image = Image.fromarray((values >> 8 if values.max(initial=0) > 255 else values).astype(np.uint8))
    elif image.mode == "LAB":
        image = _from_lab(image)
    elif image.mode == "P" and "transparency" in image.info:
        image = image.convert("RGBA")
    return image.convert(mode)


def _from_lab(image: Image.Image) -> Image.Image:
    from PIL import ImageCms  # rarely needed, and it loads a library of its own

    profiles = ImageCms.createProfile("LAB"), ImageCms.createProfile("sRGB")
    converted = ImageCms.applyTransform(image, ImageCms.buildTransform(*profiles, "LAB", "RGB"))
    assert converted is not None
    return converted


@cache
def _formats() -> list[str]:
    Image.init()
    return [name for name in Image.ID if name not in RUNS_A_PROGRAM]


def _reason(error: Exception, path: Path) -> str:
    text = str(error).replace(f" {str(path)!r}", "").replace(str(path), "the file")
    return " ".join(text.split())[:200] or "no reason given"
