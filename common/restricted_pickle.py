"""Pickles read as data: nothing that a file names is imported, called or built.

A pickle is a program that may call anything it can name, and a short one can ask for any amount of time and
memory. Here a name is a record of its two words, and the few that data need have makers of ours
(common.pickled_data). Python's own advice:
https://docs.python.org/3/library/pickle.html#restricting-globals
"""

import io
import pickle
import struct
from collections.abc import Callable, Iterable
from typing import Any, ClassVar

from common.cli import UsageError
from common.pickled_data import ARRAYS, ArrayRecord, Budget, DtypeRecord, Foreign, Makers, Named, checked_key

RUNS_PROGRAMS = frozenset({
    *("bdb", "code", "commands", "ctypes", "importlib", "multiprocessing", "nt", "os", "pdb", "posix", "pty"),
    *("runpy", "shutil", "signal", "socket", "subprocess", "sys", "webbrowser"),
})  # fmt: skip
BUILTINS = frozenset({"builtins", "__builtin__"})
BUILTIN_PROGRAMS = frozenset(
    {"eval", "exec", "execfile", "compile", "open", "file", "input", "__import__", "breakpoint"}
)
ENDS_EARLY = "ends too early, after {size} bytes; copy or download it again"


# Python's own implementation and not the one in C: its memo is a dict, so that a file cannot ask for
# gigabytes by numbering an entry four billion.
class RestrictedUnpickler(pickle._Unpickler):
    """An unpickler that makes what ``makers`` make, and of everything else a Foreign.

    ``names_allowed`` False refuses every name without a maker, True only those that run programs.
    """

    dispatch: ClassVar[dict[int, Callable[[Any], None]]] = dict(pickle._Unpickler.dispatch)
    stack: list[Any]  # of Python's implementation
    append: Callable[[Any], None]
    read: Callable[[int], bytes]
    pop_mark: Callable[[], list[Any]]

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
        except (EOFError, struct.error, pickle.UnpicklingError) as error:
            at_end = self._data.tell() == self._size
            if not at_end or (isinstance(error, pickle.UnpicklingError) and "exhausted" not in str(error)):
                raise
            raise UsageError(ENDS_EARLY.format(size=self._size)) from None

    def find_class(self, module: str, name: str) -> Any:
        """Record a name in the file. Refuse one that is not allowed."""
        named = Named(module, name)
        if (module, name) in self._makers:
            return named
        if not self._names_allowed:
            raise UsageError(f"names {named}, which data need not; nothing of it was run")
        runs = module.partition(".")[0] in RUNS_PROGRAMS
        if runs or (module in BUILTINS and name in BUILTIN_PROGRAMS):
            raise UsageError(f"names {named}, and loading that could run any code; nothing of it was run")
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
