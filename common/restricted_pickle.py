"""Pickles read as data: nothing that a file names is imported, called or built.

A pickle is a program that may call anything it can name, and a short one can ask for any amount of time and
memory. Here a name is a record of its two words. The few that data need have makers of ours, which look at types
before anything is hashed or formatted, and pay for what they make out of a budget that the file's size sets. Python's own advice:
https://docs.python.org/3/library/pickle.html#restricting-globals
"""

import io
import pickle
import struct
from collections.abc import Callable, Iterable, Mapping
from typing import Any, ClassVar

import numpy as np

from common.cli import UsageError, one_line

PLAIN = frozenset({"b1", "u1", "i1", "u2", "i2", "u4", "i4", "u8", "i8", "f2", "f4", "f8"})
PROGRAMS = frozenset(
    "bdb code commands ctypes importlib multiprocessing nt os pdb posix pty runpy shutil signal socket "
    "subprocess sys webbrowser".split()
)
BUILTIN_PROGRAMS = frozenset({"eval", "exec", "execfile", "compile", "open", "file", "input", "__import__", "breakpoint"})
LONGEST_KEY = 16  # parts of a tuple that names an entry
ENDS_EARLY = "ends too early, after {size} bytes; copy or download it again"


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
        kinds = (int, tuple, DtypeRecord, (bool, int), bytes)
        plain = len(self.state) == len(kinds) and all(map(isinstance, self.state, kinds))
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


# Python's own implementation and not the one in C: its memo is a dict, so that a file cannot ask for
# gigabytes by numbering an entry four billion.
class RestrictedUnpickler(pickle._Unpickler):
    """An unpickler that makes what ``makers`` make, and of everything else a Foreign.

    ``names_allowed`` False refuses every name without a maker, True only those that run programs.
    """

    dispatch: ClassVar = dict(pickle._Unpickler.dispatch)

    def __init__(
        self, data: io.BytesIO, makers: Makers = ARRAYS, *, names_allowed: bool = False, encoding: str
    ) -> None:
        super().__init__(data, encoding=encoding)
        self._data, self._makers, self._names_allowed = data, makers, names_allowed
        self._size = len(data.getbuffer())
        self.budget = Budget(self._size)

    def load(self) -> Any:
        """The next object. Raises UsageError for a name that is refused or an end that comes too early."""
        try:
            return super().load()
        except (EOFError, IndexError, struct.error):
            if self._data.tell() < self._size:
                raise
            raise UsageError(ENDS_EARLY.format(size=self._size)) from None

    def find_class(self, module: str, name: str) -> Any:
        """Record a name in the file. Refuse one that is not allowed."""
        named = Named(module, name)
        if (module, name) in self._makers:
            return named
        if not self._names_allowed:
            raise UsageError(f"names {named}, which data need not; nothing of it was run")
        if module.partition(".")[0] in PROGRAMS or (
            module in {"builtins", "__builtin__"} and name in BUILTIN_PROGRAMS
        ):
            raise UsageError(f"names {named}, which could run any code, as no weights do; nothing of it was run")
        return named

    def _make(self, named: Any, arguments: Any) -> Any:
        if not isinstance(named, Named) or not isinstance(arguments, tuple):
            raise ValueError("a call of something that has no name")
        maker = self._makers.get((named.module, named.name))
        return Foreign(named) if maker is None else maker(arguments, self.budget)

    def _load_reduce(self) -> None:
        arguments = self.stack.pop()
        self.stack[-1] = self._make(self.stack[-1], arguments)

    def _load_newobj(self) -> None:
        arguments, named = self.stack.pop(), self.stack.pop()
        self.append(self._make(named, arguments))

    def _load_newobj_ex(self) -> None:
        self.stack.pop()  # arguments by name, which no data of ours have
        self._load_newobj()

    def _instantiate(self, named: Any, arguments: Iterable[Any]) -> None:
        self.append(self._make(named, tuple(arguments)))

    def _load_build(self) -> None:
        state, made = self.stack.pop(), self.stack[-1]
        if isinstance(made, (ArrayRecord, DtypeRecord)):
            made.state = state if isinstance(state, tuple) else ()

    def _load_dict(self) -> None:
        items = self.pop_mark()
        self.append({checked_key(name): value for name, value in zip(items[::2], items[1::2], strict=True)})

    def _load_setitem(self) -> None:
        value, name = self.stack.pop(), self.stack.pop()
        self._set_items([name, value])

    def _load_setitems(self) -> None:
        self._set_items(self.pop_mark())

    def _set_items(self, items: list[Any]) -> None:
        target = self.stack[-1]
        if isinstance(target, dict):
            target |= {checked_key(name): value for name, value in zip(items[::2], items[1::2], strict=True)}

    def _load_append(self) -> None:
        self._extend([self.stack.pop()])

    def _load_appends(self) -> None:
        self._extend(self.pop_mark())

    def _extend(self, items: list[Any]) -> None:
        if isinstance(self.stack[-1], list):
            self.stack[-1] += items

    def _load_additems(self) -> None:
        self._add(self.pop_mark(), self.stack[-1])

    def _load_frozenset(self) -> None:
        items = self.pop_mark()
        self.append(frozenset(map(checked_key, items)))

    def _add(self, items: list[Any], target: Any) -> None:
        if isinstance(target, set):
            target.update(map(checked_key, items))

    def _load_bytearray8(self) -> None:
        (size,) = struct.unpack("<Q", self.read(8))
        self.append(bytearray(self.read(min(size, self._size))))  # and not made as long as it claims


for opcode, load_opcode in {
    pickle.REDUCE: RestrictedUnpickler._load_reduce,
    pickle.NEWOBJ: RestrictedUnpickler._load_newobj,
    pickle.NEWOBJ_EX: RestrictedUnpickler._load_newobj_ex,
    pickle.BUILD: RestrictedUnpickler._load_build,
    pickle.DICT: RestrictedUnpickler._load_dict,
    pickle.SETITEM: RestrictedUnpickler._load_setitem,
    pickle.SETITEMS: RestrictedUnpickler._load_setitems,
    pickle.APPEND: RestrictedUnpickler._load_append,
    pickle.APPENDS: RestrictedUnpickler._load_appends,
    pickle.ADDITEMS: RestrictedUnpickler._load_additems,
    pickle.FROZENSET: RestrictedUnpickler._load_frozenset,
    pickle.BYTEARRAY8: RestrictedUnpickler._load_bytearray8,
}.items():
    RestrictedUnpickler.dispatch[opcode[0]] = load_opcode


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
