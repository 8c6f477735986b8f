"""Pickles read as data: nothing that a file names is imported, called or built.

A pickle is a program that may call anything it can name. Here the few names that arrays need stand for
inert records, every other name is refused, and arrays are made from the recorded bytes afterwards.
Python's own advice: https://docs.python.org/3/library/pickle.html#restricting-globals
"""

import io
import pickle
from collections.abc import Callable, Mapping
from typing import Any

import numpy as np

from common.cli import UsageError


class ArrayRecord:
    """A pickled NumPy array: its shape, dtype and bytes."""

    def __init__(self, *_: object) -> None:
        self.state: tuple[Any, ...] = ()

    def __setstate__(self, state: tuple[Any, ...]) -> None:
        self.state = state

    def array(self) -> np.ndarray:
        """The array. Raises ValueError if the record does not describe one of plain numbers."""
        _, shape, dtype, fortran, data = self.state
        if not isinstance(dtype, DtypeRecord) or not isinstance(data, bytes):
            raise ValueError("an array of something else than plain numbers")
        flat = np.frombuffer(data, dtype=dtype.dtype())
        return flat.reshape(shape, order="F" if fortran else "C")


class DtypeRecord:
    """A pickled NumPy dtype."""

    def __init__(self, name: Any = "", *_: object) -> None:
        self.name, self.state = name, (3, "|")

    def __setstate__(self, state: tuple[Any, ...]) -> None:
        self.state = state

    def dtype(self) -> np.dtype[Any]:
        """The type. Raises ValueError for anything but a plain number."""
        name = self.name.decode() if isinstance(self.name, bytes) else str(self.name)
        order = self.state[1].decode() if isinstance(self.state[1], bytes) else self.state[1]
        if name not in PLAIN:
            raise ValueError(f"type {name!r} is no plain number")
        return np.dtype(name).newbyteorder(">" if order == ">" else "<")


PLAIN = frozenset({"b1", "u1", "i1", "u2", "i2", "u4", "i4", "u8", "i8", "f2", "f4", "f8"})


def _reconstruct(*_: object) -> ArrayRecord:
    return ArrayRecord()


def _encode(text: Any, encoding: Any = "latin1", *_: object) -> bytes:
    """Bytes, which Python 3 writes as text into old protocols."""
    return str(text).encode("latin1")


ARRAYS: Mapping[tuple[str, str], Callable[..., Any] | type] = {
    ("numpy.core.multiarray", "_reconstruct"): _reconstruct,
    ("numpy._core.multiarray", "_reconstruct"): _reconstruct,
    ("numpy", "ndarray"): ArrayRecord,
    ("numpy", "dtype"): DtypeRecord,
    ("_codecs", "encode"): _encode,
}


# Python's own implementation and not the one in C: its memo is a dict, so that a file cannot ask for
# gigabytes by numbering an entry four billion.
class RestrictedUnpickler(pickle._Unpickler):
    """An unpickler to which only the given names mean anything."""

    def __init__(
        self, file: Any, names: Mapping[tuple[str, str], Callable[..., Any] | type] = ARRAYS, **options: Any
    ) -> None:
        super().__init__(file, **options)
        self._names = names

    def find_class(self, module: str, name: str) -> Any:
        """Return the stand-in for a name in the file.

        Refuse any name that is not listed.
        """
        if (module, name) not in self._names:
            raise UsageError(f"names {module}.{name}, which data need not; nothing of it was run")
        return self._names[module, name]


def load(data: bytes, *, source: object) -> Any:
    """The object in a pickle written by Python 2 or 3.

    Strings of Python 2 become bytes. Arrays are ArrayRecord. Raises UsageError naming ``source`` for whatever
    is not plain data.
    """
    try:
        return RestrictedUnpickler(io.BytesIO(data), encoding="bytes").load()
    except UsageError as error:
        raise UsageError(f"{source}: {error}") from None
    except MemoryError:
        raise
    except Exception as error:  # a damaged pickle can raise nearly anything
        raise UsageError(f"{source}: no readable pickle ({type(error).__name__}: {error})") from None
