"""What a pickle may hold: records of plain data, and makers of them for the names that data need.

Types are looked at before anything is hashed or formatted, and what is made is paid for out of a budget
that the file's size sets.
"""

from collections.abc import Callable, Mapping
from typing import Any

import numpy as np

from common.cli import one_line

PLAIN = frozenset({"b1", "u1", "i1", "u2", "i2", "u4", "i4", "u8", "i8", "f2", "f4", "f8"})
LONGEST_KEY = 16  # parts of a tuple that names an entry


class Budget:
    """Bytes that a file may still make: what is handed out several times counts each time."""

    def __init__(self, size: int) -> None:
        self._size = size
        self._left = 4 * size + (1 << 24)

    def take(self, count: int) -> None:
        """Pay for so many bytes. Raises ValueError once the file asks for far more than it holds."""
        self._left -= count
        if self._left < 0:
            raise ValueError(f"asks for far more than the {self._size} bytes it has")


class Named:
    """A name in a pickle, as two words: never looked up."""

    def __init__(self, module: str, name: str) -> None:
        self.module, self.name = module, name

    def __str__(self) -> str:
        return one_line(f"{self.module}.{self.name}", limit=100)


class Foreign:
    """An object that is not data: what it was made with, and nothing that it holds."""

    def __init__(self, made_with: Named) -> None:
        self.made_with = made_with


class ArrayRecord:
    """A pickled NumPy array: its shape, dtype and bytes."""

    def __init__(self) -> None:
        self.state: tuple[Any, ...] = ()

    @property
    def shape(self) -> tuple[int, ...]:
        """The shape. Raises ValueError if the record does not describe an array of plain numbers."""
        self._require_plain()
        return tuple(self.state[1])

    def array(self) -> np.ndarray:
        """The array, a read-only view of the pickle's bytes. Raises ValueError like ``shape``."""
        self._require_plain()
        _, shape, dtype, fortran, data = self.state
        return np.frombuffer(data, dtype=dtype.dtype()).reshape(shape, order="F" if fortran else "C")

    def _require_plain(self) -> None:
        kinds: tuple[type, ...] = (int, tuple, DtypeRecord, int, bytes)
        plain = len(self.state) == len(kinds) and all(
            isinstance(value, kind) for value, kind in zip(self.state, kinds, strict=True)
        )
        if not plain or not all(type(size) is int and size >= 0 for size in self.state[1]):
            raise ValueError("an array of something else than plain numbers")


class DtypeRecord:
    """A pickled NumPy dtype."""

    def __init__(self, name: Any) -> None:
        self.name = name
        self.state: tuple[Any, ...] = (3, "|")

    def dtype(self) -> np.dtype[Any]:
        """The type. Raises ValueError for anything but a plain number."""
        name, order = (_text(word) for word in (self.name, self.state[1] if len(self.state) > 1 else None))
        if name not in PLAIN:
            raise ValueError(f"type {one_line(name, limit=40)!r} is no plain number")
        return np.dtype(name).newbyteorder(">" if order == ">" else "<")


def _text(word: Any) -> str:
    if isinstance(word, bytes):
        word = word.decode("latin1")
    if not isinstance(word, str):
        raise ValueError("an array of something else than plain numbers")
    return word


def _dtype(arguments: tuple[Any, ...], _budget: Budget) -> DtypeRecord:
    return DtypeRecord(arguments[0] if arguments else "")


def _array(_arguments: tuple[Any, ...], _budget: Budget) -> ArrayRecord:
    return ArrayRecord()


def _encoded(arguments: tuple[Any, ...], budget: Budget) -> bytes:
    """Bytes, which Python 3 writes as text into old protocols."""
    text = arguments[0] if arguments else ""
    if not isinstance(text, str):
        raise ValueError("bytes made of something else than text")
    budget.take(len(text))
    return text.encode("latin1")


def _dict(arguments: tuple[Any, ...], budget: Budget) -> dict[Any, Any]:
    """An OrderedDict's or a plain dict's content, given as pairs or added later."""
    pairs = arguments[0] if arguments else ()
    if not isinstance(pairs, (list, tuple, dict)):
        raise ValueError("a dict made of something else than pairs")
    budget.take(64 * len(pairs))
    items = list(pairs.items()) if isinstance(pairs, dict) else list(pairs)
    if not all(isinstance(pair, (list, tuple)) and len(pair) == 2 for pair in items):
        raise ValueError("a dict made of something else than pairs")
    return {checked_key(name): value for name, value in items}


def _defaultdict(arguments: tuple[Any, ...], budget: Budget) -> dict[Any, Any]:
    return _dict(arguments[1:], budget)


def sequence(arguments: tuple[Any, ...], budget: Budget) -> tuple[Any, ...]:
    """A tuple or a list."""
    items = arguments[0] if arguments else ()
    if not isinstance(items, (list, tuple)):
        raise ValueError("a sequence made of something else")
    budget.take(8 * len(items))
    return tuple(items)


Maker = Callable[[tuple[Any, ...], Budget], Any]
Makers = Mapping[tuple[str, str], Maker]
ARRAYS: Makers = {
    ("numpy.core.multiarray", "_reconstruct"): _array,
    ("numpy._core.multiarray", "_reconstruct"): _array,
    ("numpy", "ndarray"): _array,
    ("numpy", "dtype"): _dtype,
    ("_codecs", "encode"): _encoded,
    ("collections", "OrderedDict"): _dict,
    ("collections", "defaultdict"): _defaultdict,
    ("builtins", "dict"): _dict,
    ("builtins", "tuple"): sequence,
    ("__builtin__", "tuple"): sequence,
    ("builtins", "list"): sequence,
}


def checked_key(key: Any) -> Any:
    """Return the name of an entry if hashing it takes no time.

    Tuples in tuples can have 2^40 leaves in 300 bytes. Raises ValueError.
    """
    parts = key if type(key) is tuple and len(key) <= LONGEST_KEY else (key,)
    for part in parts:
        plain = part is None or type(part) in {str, bytes, bool, float, Named, Foreign}
        if not plain and not (type(part) is int and part.bit_length() <= 64):
            raise ValueError("an entry whose name is neither text nor a number")
    return key
