"""Weights out of torch's files (.pth, .pt; zip archives and the older kind) without torch, running nothing.

Format: https://docs.pytorch.org/docs/stable/notes/serialization.html and torch/serialization.py.
What a file claims of itself is held against what it has, and what is read of it is counted.
"""

import io
import struct
import zipfile
from collections.abc import Callable, Mapping
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import numpy as np

from common.cli import UsageError
from common.pickled_data import ARRAYS, Budget, Maker, Named, sequence
from common.restricted_pickle import RestrictedUnpickler
from common.weights.number_types import BFLOAT16, itemsize, numbers

UNTYPED = "u1"  # storages of which each tensor says its own type
STORAGES = {
    "FloatStorage": "f4",
    "DoubleStorage": "f8",
    "HalfStorage": "f2",
    "BFloat16Storage": BFLOAT16,
    "LongStorage": "i8",
    "IntStorage": "i4",
    "ShortStorage": "i2",
    "CharStorage": "i1",
    "ByteStorage": "u1",
    "BoolStorage": "b1",
    "UntypedStorage": UNTYPED,
}
DTYPES = {
    "float32": "f4",
    "float64": "f8",
    "float16": "f2",
    "bfloat16": BFLOAT16,
    "uint16": "u2",
    "uint32": "u4",
    "uint64": "u8",
}
LEGACY_MAGIC = 0x1950A86A20F9469CFC6C
MAGIC_WITHIN = 24  # bytes: protocol 4 has a frame's length before it
LEGACY_PROTOCOL = 1001
LONGEST_KEY = 100  # characters of a storage's name


@dataclass(frozen=True, eq=False)
class Storage:
    """Numbers of one type; several tensors may look into it."""

    key: str
    dtype: str
    count: int


@dataclass(frozen=True, eq=False)
class Tensor:
    """A view into a storage."""

    storage: Storage
    offset: int
    shape: tuple[int, ...]
    strides: tuple[int, ...]
    own_dtype: str | None = None  # where the storage has none

    @property
    def dtype(self) -> str:
        """NumPy's word for the type of its numbers, or BFLOAT16."""
        return self.own_dtype or self.storage.dtype

    def array(self, data: bytes | memoryview, *, byteorder: str) -> np.ndarray:
        """The numbers, copied out of the storage's bytes.

        Raises ValueError if it reaches beyond them.
        """
        found = numbers(data, self.dtype, byteorder=byteorder)
        sizes = (*self.shape, *self.strides, self.offset)
        if len(self.shape) != len(self.strides) or any(size < 0 for size in sizes):
            raise ValueError(f"a tensor of impossible shape {self.shape}")
        count = int(np.prod(self.shape, dtype=object)) if self.shape else 1
        last = self.offset + sum((n - 1) * step for n, step in zip(self.shape, self.strides, strict=True))
        if count > len(found) or (count and last >= len(found)):
            raise ValueError(f"a tensor {self.shape} that reaches beyond its storage of {len(found)}")
        strides = [step * found.itemsize for step in self.strides]
        view = np.lib.stride_tricks.as_strided(found[self.offset :], self.shape, strides, writeable=False)
        return view.copy()

    @property
    def nbytes(self) -> int:
        """Bytes of its numbers, as claimed."""
        return int(np.prod(self.shape, dtype=object)) * max(itemsize(self.dtype), 4)


@dataclass(frozen=True, eq=False)
class Unreadable:
    """A tensor whose numbers are no plain floats or integers, in words."""

    what: str


def _whole(values: Any) -> tuple[int, ...]:
    if not isinstance(values, (tuple, list)) or not all(type(value) is int for value in values):
        raise ValueError("a tensor whose sizes are not whole numbers")
    return tuple(values)


def _rebuild_tensor(arguments: tuple[Any, ...], _budget: Budget) -> Tensor | Unreadable:
    storage, offset, shape, strides = arguments[:4]
    if isinstance(storage, Unreadable):
        return storage
    if not isinstance(storage, Storage):
        raise ValueError("a tensor without a storage")
    return Tensor(storage, _whole((offset,))[0], _whole(shape), _whole(strides))


def _rebuild_typed(arguments: tuple[Any, ...], budget: Budget) -> Tensor | Unreadable:
    """A tensor that says its own type: torch's way for all types that it has had since 2.0."""
    tensor = _rebuild_tensor(arguments, budget)
    dtype = arguments[6] if len(arguments) > 6 else None
    word = dtype.name if isinstance(dtype, Named) else ""
    if isinstance(tensor, Unreadable) or word not in DTYPES:
        return Unreadable(f"of type {word}" if word.isidentifier() else "of an unknown type")
    return replace(tensor, own_dtype=DTYPES[word])


def _quantised(_arguments: tuple[Any, ...], _budget: Budget) -> Unreadable:
    return Unreadable("quantised")


def _first(arguments: tuple[Any, ...], _budget: Budget) -> Any:
    """A parameter's tensor."""
    return arguments[0] if arguments else None


MAKERS: Mapping[tuple[str, str], Maker] = {
    **ARRAYS,
    ("torch._utils", "_rebuild_tensor"): _rebuild_tensor,
    ("torch._utils", "_rebuild_tensor_v2"): _rebuild_tensor,
    ("torch._utils", "_rebuild_tensor_v3"): _rebuild_typed,
    ("torch._utils", "_rebuild_qtensor"): _quantised,
    ("torch._utils", "_rebuild_parameter"): _first,
    ("torch._utils", "_rebuild_parameter_with_state"): _first,
    ("torch", "Size"): sequence,
}


class _Unpickler(RestrictedUnpickler):
    def __init__(self, data: io.BytesIO) -> None:
        super().__init__(data, MAKERS, names_allowed=True, encoding="utf-8")

    def persistent_load(self, pid: Any) -> Storage | Unreadable:
        words = pid if isinstance(pid, tuple) and len(pid) in {5, 6} else ()
        if not words or words[0] != "storage" or any(word is not None for word in words[5:]):
            raise ValueError("a reference of an unknown kind")
        named, key, count = words[1], words[2], words[4]
        if not isinstance(named, Named) or type(count) is not int or count < 0:
            raise ValueError("a storage that does not say what it is")
        if type(key) not in {str, int} or len(str(key)) > LONGEST_KEY:
            raise ValueError("a storage without a plain name")
        if named.name not in STORAGES:
            return Unreadable(f"of type {named}")
        return Storage(str(key), STORAGES[named.name], count)


def is_torch_file(start: bytes) -> bool:
    """True if a file begins as torch's files do."""
    magic = LEGACY_MAGIC.to_bytes(10, "little")
    return start.startswith(b"PK\x03\x04") or magic in start[:MAGIC_WITHIN]


ReadArray = Callable[[Tensor], np.ndarray]


def read_torch_file(path: Path) -> tuple[Any, ReadArray]:
    """Read a file's content, with a Tensor where one is, and how to get a tensor's numbers.

    Whatever is neither data nor a tensor is a restricted_pickle.Foreign. Raises UsageError for a file that
    names programs, and nearly anything for a damaged one, then or when numbers are asked for.
    """
    with path.open("rb") as file:
        zipped = file.read(4) == b"PK\x03\x04"
    content, data_of, byteorder = _read_zip(path) if zipped else _read_legacy(path)
    budget = Budget(path.stat().st_size)

    def array(tensor: Tensor) -> np.ndarray:
        budget.take(tensor.nbytes)
        return tensor.array(data_of(tensor.storage), byteorder=byteorder)

    return content, array


def _read_zip(path: Path) -> tuple[Any, Callable[[Storage], bytes], str]:
    if not zipfile.is_zipfile(path):
        raise UsageError("ends too early: a zip archive without its end; copy or download it again")
    archive = _Archive(path)
    pickles = [name for name in archive.names if name.endswith("/data.pkl") or name == "data.pkl"]
    if len(pickles) != 1:
        raise UsageError(f"is a zip archive, and none that torch.save wrote{_known_archive(archive.names)}")
    folder = pickles[0].removesuffix("data.pkl")
    if f"{folder}constants.pkl" in archive.names:
        raise UsageError(
            "is a TorchScript program; save its weights: "
            "torch.save(torch.jit.load(FILE).state_dict(), 'weights.pth')"
        )
    content = _Unpickler(io.BytesIO(archive.read(pickles[0]))).load()
    order = f"{folder}byteorder"
    byteorder = archive.read(order).decode() if order in archive.names else "little"
    return content, lambda storage: archive.read(f"{folder}data/{storage.key}"), byteorder


def _known_archive(names: Mapping[str, object]) -> str:
    """Say what kind of a zip archive it is, as far as its entries reveal it."""
    kinds = {
        "/archive_format": " but torch.export's .pt2; save its weights: "
        "torch.save(torch.export.load(FILE).state_dict, 'weights.pth')",
        ".npy": " but NumPy's .npz; save its arrays by name as .safetensors",
        "config.json": " but perhaps Keras's .keras",
        ".pth": "; unpack it first",
    }
    kinds |= {".pt": kinds[".pth"], ".pdparams": kinds[".pth"], ".safetensors": kinds[".pth"]}
    return next((text for end, text in kinds.items() if any(name.endswith(end) for name in names)), "")


class _Archive:
    """A zip archive as torch writes it: nothing is compressed. All that is read of it is counted."""

    def __init__(self, path: Path) -> None:
        self._size = path.stat().st_size
        self._budget = Budget(self._size)
        self._archive = zipfile.ZipFile(path)  # closes with the last reference to it
        entries = self._archive.infolist()
        self.names = {entry.filename: entry for entry in entries}
        if len(self.names) < len(entries):
            raise ValueError("two entries of one name, of which either may be meant")
        self._last: tuple[str, bytes] = ("", b"")

    def read(self, name: str) -> bytes:
        """The bytes of an entry. Raises ValueError for one that is compressed or larger than the file."""
        if self._last[0] == name:  # as for tensors that share a storage
            return self._last[1]
        if name not in self.names:
            raise ValueError("an entry that is not there")
        entry = self.names[name]
        # Torch never compresses: a compressed entry could be of any size.
        if entry.compress_type != zipfile.ZIP_STORED:
            raise ValueError("an entry that is compressed, as torch never writes it")
        if entry.file_size > self._size:
            raise ValueError("an entry that is larger than the file")
        self._budget.take(entry.file_size)
        self._last = (name, self._archive.read(entry))
        return self._last[1]


def _read_legacy(path: Path) -> tuple[Any, Callable[[Storage], memoryview], str]:
    whole = path.read_bytes()
    file = io.BytesIO(whole)
    magic, protocol, system = (_Unpickler(file).load() for _ in range(3))
    if magic != LEGACY_MAGIC or protocol != LEGACY_PROTOCOL or not isinstance(system, dict):
        raise ValueError("not torch's magic number")
    byteorder = "little" if system.get("little_endian", True) else "big"
    content, keys = _Unpickler(file).load(), _Unpickler(file).load()
    if not isinstance(keys, list) or not all(type(key) in {str, int} for key in keys):
        raise ValueError("storages without plain names")
    dtypes, data, place = _dtypes(content), {}, file.tell()
    for key in map(str, keys):
        size, place = _size_at(whole, place, byteorder) * itemsize(dtypes.get(key, UNTYPED)), place + 8
        if size < 0 or place + size > len(whole):
            raise UsageError("ends before its numbers do; copy or download it again")
        data[key] = memoryview(whole)[place : place + size]
        place += size
    return content, lambda storage: data[storage.key], byteorder


def _size_at(whole: bytes, place: int, byteorder: str) -> int:
    if place + 8 > len(whole):
        raise UsageError("ends before its numbers do; copy or download it again")
    return int(struct.unpack_from("<q" if byteorder == "little" else ">q", whole, place)[0])


def _dtypes(content: Any) -> dict[str, str]:
    """Type of each storage by its name, of all tensors wherever they are."""
    found: dict[str, str] = {}
    waiting, seen = [content], set()
    while waiting:
        value = waiting.pop()
        if isinstance(value, Tensor):
            found[value.storage.key] = value.storage.dtype
        elif isinstance(value, (dict, list, tuple)) and id(value) not in seen:
            seen.add(id(value))
            waiting += value.values() if isinstance(value, dict) else value
    return found
