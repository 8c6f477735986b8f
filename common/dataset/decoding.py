"""Image files to upright RGB or grey images, whatever they are; what cannot be decoded says why.

Nothing that a file holds may crash the process, run a program or exhaust memory.
"""

import io
import stat
import warnings
from contextlib import suppress
from functools import cache
from pathlib import Path
from typing import BinaryIO

import numpy as np
from PIL import Image, ImageOps, UnidentifiedImageError

MODES = {1: "L", 3: "RGB"}  # Pillow's name of an image with so many channels
READ_WHOLE_BYTES = 1 << 24  # files up to 16 MiB are read in one go, which is a sixth faster than in pieces
MAX_PIXELS = 89_478_485  # Pillow's own threshold of suspicion: a quarter of a gigabyte in RGB
COMMON = ("JPEG", "PNG", "GIF", "BMP", "PPM")  # what Pillow itself tries before all others
RUNS_A_PROGRAM = frozenset({"EPS", "WMF"})  # formats that Pillow hands to Ghostscript or to Windows
SIXTEEN_BIT = frozenset({"I;16", "I;16B", "I;16L", "I;16N", "I"})

# Pillow warns of what it puts up with in damaged files. decode decides whether a file will do,
# in one way; warnings would stand between the lines of a report, and again for each of thousands.
warnings.filterwarnings("ignore", category=UserWarning, module=r"PIL\.")
warnings.filterwarnings("ignore", category=Image.DecompressionBombWarning, module=r"PIL\.")


class DecodeError(ValueError):
    """A file that is no image, is damaged, or is too large.

    The message is the reason alone.
    """


def decode(path: Path, *, channels: int) -> Image.Image:
    """The image in a file: the first frame, turned upright by its EXIF data, RGB (3) or grey (1).

    Transparency is dropped, as torchvision's loader drops it; 16 bits become the upper 8. Raises
    DecodeError with the reason, and nothing else except MemoryError.
    """
    try:
        with _opened(path) as file, Image.open(file, formats=_formats()) as image:
            _require_reasonable(image)
            image.load()
            _turn_upright(image)
            return _in_mode(image, MODES[channels])
    except DecodeError:
        raise
    except FileNotFoundError:
        raise DecodeError("there is no such file") from None
    except MemoryError:
        raise
    except UnidentifiedImageError:
        raise DecodeError("UnidentifiedImageError: cannot identify image file") from None
    except Exception as error:  # Pillow's plugins raise nearly anything on damaged files
        raise DecodeError(f"{type(error).__name__}: {_reason(error, path)}") from None


def _opened(path: Path) -> BinaryIO:
    facts = path.stat()
    if not stat.S_ISREG(facts.st_mode):
        raise DecodeError("no regular file")  # a pipe would be waited for without an end
    return io.BytesIO(path.read_bytes()) if facts.st_size <= READ_WHOLE_BYTES else path.open("rb")


def _require_reasonable(image: Image.Image) -> None:
    if image.width * image.height > MAX_PIXELS:
        raise DecodeError(f"{image.width}x{image.height} pixels are more than {MAX_PIXELS:,}")


def _turn_upright(image: Image.Image) -> None:
    with suppress(Exception):  # damaged EXIF data do not make a good picture worse
        ImageOps.exif_transpose(image, in_place=True)


def _in_mode(image: Image.Image, mode: str) -> Image.Image:
    if image.mode in SIXTEEN_BIT:
        # Pillow would clip at 255, and nearly every pixel would be white.
        values = np.asarray(image)
        image = Image.fromarray((values >> 8 if values.max(initial=0) > 255 else values).astype(np.uint8))
    elif image.mode == "LAB":
        image = _from_lab(image)
    elif image.mode == "P" and "transparency" in image.info:
        image = image.convert("RGBA")
    return image if image.mode == mode else image.convert(mode)


def _from_lab(image: Image.Image) -> Image.Image:
    from PIL import ImageCms  # rarely needed, and it loads a library of its own

    profiles = ImageCms.createProfile("LAB"), ImageCms.createProfile("sRGB")
    converted = ImageCms.applyTransform(image, ImageCms.buildTransform(*profiles, "LAB", "RGB"))
    assert converted is not None
    return converted


@cache
def _formats() -> list[str]:
    Image.init()
    # The common ones first: some of the others read a good part of a file before they give it up.
    return [*COMMON, *(name for name in Image.ID if name not in RUNS_A_PROGRAM and name not in COMMON)]


def _reason(error: Exception, path: Path) -> str:
    text = str(error).replace(f" {str(path)!r}", "").replace(str(path), "the file")
    return " ".join(text.split())[:200] or "no reason given"
