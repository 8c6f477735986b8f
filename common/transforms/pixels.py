"""The bytes of a Pillow image as an array, read where they lie.

``Image.tobytes`` copies in pieces while it holds Python's lock, which costs two loader threads a tenth of
their speed. Pillow from 11.3 on also tells where its pixels are, by Arrow's C data interface:
https://arrow.apache.org/docs/format/CDataInterface.html
https://pillow.readthedocs.io/en/stable/handbook/concepts.html (Arrow support)
"""

import ctypes
from typing import Any

import numpy as np
from PIL import Image

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
