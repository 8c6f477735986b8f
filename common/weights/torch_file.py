"""Weights out of torch's files (.pth, .pt; zip archives and the older kind) without torch, running nothing.

What a file names is looked up in a short list of inert stand-ins; anything else is refused. Format:
https://docs.pytorch.org/docs/stable/notes/serialization.html and torch/serialization.py, _legacy_load.
"""

import io
import struct
import zipfile
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np

from common.cli import UsageError
from common.restricted_pickle import ARRAYS, RestrictedUnpickler

BFLOAT16 = "bfloat16"  # NumPy has no such type: its bytes are widened to float32
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
}


@dataclass(frozen=True)
class Storage:
    """Numbers of one type; several tensors may look into it."""

    key: str
    dtype: str
    count: int


@dataclass(frozen=True)
class Tensor:
    """A view into a storage."""

    storage: Storage
    offset: int
    shape: tuple[int, ...]
    strides: tuple[int, ...]

    def array(self, data: bytes, *, byteorder: str) -> np.ndarray:
        """The numbers, copied out of the storage's bytes.

        Raises ValueError if it reaches beyond them.
        """
        numbers = _numbers(data, self.storage.dtype, byteorder=byteorder)
        sizes = (*self.shape, *self.strides, self.offset)
        if len(self.shape) != len(self.strides) or any(size < 0 for size in sizes):
            raise ValueError(f"a tensor of impossible shape {self.shape}")
        count = int(np.prod(self.shape, dtype=object)) if self.shape else 1
        last = self.offset + sum((n - 1) * step for n, step in zip(self.shape, self.strides, strict=True))
        if count > len(numbers) or (count and last >= len(numbers)):
            raise ValueError(f"a tensor {self.shape} that reaches beyond its storage of {len(numbers)}")
        strides = [step * numbers.itemsize for step in self.strides]
        view = np.lib.stride_tricks.as_strided(numbers[self.offset :], self.shape, strides, writeable=False)
        return view.copy()


def itemsize(dtype: str) -> int:
    """Bytes of one number of a storage."""
    return 2 if dtype == BFLOAT16 else np.dtype(dtype).itemsize


def _numbers(data: bytes, dtype: str, *, byteorder: str) -> np.ndarray:
    order = "<" if byteorder == "little" else ">"
    data = data[: len(data) // itemsize(dtype) * itemsize(dtype)]
    if dtype == BFLOAT16:  # the upper half of a float32
        halves = np.frombuffer(data, f"{order}u2").astype(np.uint32)
        return (halves << np.uint32(16)).view(np.float32)
    numbers = np.frombuffer(data, f"{order}{dtype}")
    return numbers.astype(numbers.dtype.newbyteorder("="))


LEGACY_MAGIC = 0x1950A86A20F9469CFC6C
LEGACY_PROTOCOL = 1001
NOT_TENSORS = (
    "holds more than tensors (it names {name}), and loading that could run any code; export its weights "
    "where it was made: torch.save(model.state_dict(), 'weights.pth')"
)


class _Dict(dict[Any, Any]):
    """An OrderedDict's content without whatever else was attached to it."""

    def __setstate__(self, state: object) -> None:
        pass


class _Inert:
    """Stands for what is not needed: a type, a device, a number of NumPy."""

    def __init__(self, *_: object) -> None:
        pass

    def __setstate__(self, state: object) -> None:
        pass


def _rebuild_tensor(storage: Storage, offset: int, shape: Any, strides: Any, *_: object) -> Tensor:
    return Tensor(storage, int(offset), tuple(map(int, shape)), tuple(map(int, strides)))


def _rebuild_parameter(tensor: Any, *_: object) -> Any:
    return tensor


def _names() -> dict[tuple[str, str], Callable[..., Any] | type]:
    names: dict[tuple[str, str], Callable[..., Any] | type] = dict(ARRAYS)
    names["collections", "OrderedDict"] = _Dict
    names["torch._utils", "_rebuild_tensor"] = _rebuild_tensor
    names["torch._utils", "_rebuild_tensor_v2"] = _rebuild_tensor
    names["torch._utils", "_rebuild_parameter"] = _rebuild_parameter
    names["torch", "Size"] = tuple
    for module, name in (
        ("torch", "device"),
        ("numpy.core.multiarray", "scalar"),
        ("numpy._core.multiarray", "scalar"),
        *(("torch", dtype) for dtype in ("float16", "float32", "float64", "bfloat16", "int64")),
    ):
        names[module, name] = _Inert
    for storage in STORAGES:
        names["torch", storage] = type(storage, (), {})
    return names


class _Unpickler(RestrictedUnpickler):
    def __init__(self, file: Any) -> None:
        super().__init__(file, _names(), encoding="utf-8")

    def find_class(self, module: str, name: str) -> Any:
        if (module, name) not in self._names:
            raise UsageError(NOT_TENSORS.format(name=f"{module}.{name}"))
        return self._names[module, name]

    def persistent_load(self, pid: Any) -> Storage:
        kind, storage, key, _location, count, *more = pid
        if kind != "storage" or any(more) or storage.__name__ not in STORAGES:
            raise ValueError(f"a reference to {kind!r} of an unknown kind")
        return Storage(str(key), STORAGES[storage.__name__], int(count))


def is_torch_file(start: bytes) -> bool:
    """True if a file begins as torch's files do."""
    magic = LEGACY_MAGIC.to_bytes(10, "little")
    return start.startswith(b"PK\x03\x04") or magic in start[:16]


def read_torch_file(path: Path) -> tuple[Any, Callable[[Tensor], np.ndarray]]:
    """Read a file's content, with a Tensor where one is, and how to get a tensor's numbers.

    Raises UsageError for a file that holds more than tensors and plain values, and nearly anything for a
    damaged one, then or when numbers are asked for.
    """
    return _read_zip(path) if zipfile.is_zipfile(path) else _read_legacy(path)


def _read_zip(path: Path) -> tuple[Any, Callable[[Tensor], np.ndarray]]:
    with zipfile.ZipFile(path) as archive:
        names = [name for name in archive.namelist() if name.endswith("/data.pkl")]
        if len(names) != 1:
            raise ValueError("a zip file without one data.pkl")
        folder = names[0].removesuffix("data.pkl")
        content = _Unpickler(io.BytesIO(_stored(archive, names[0]))).load()
        order = f"{folder}byteorder"
        byteorder = archive.read(order).decode() if order in archive.namelist() else "little"

    def array(tensor: Tensor) -> np.ndarray:
        with zipfile.ZipFile(path) as again:
            return tensor.array(_stored(again, f"{folder}data/{tensor.storage.key}"), byteorder=byteorder)

    return content, array


def _stored(archive: zipfile.ZipFile, name: str) -> bytes:
    """An entry, which torch never compresses: a compressed one could be of any size."""
    if archive.getinfo(name).compress_type != zipfile.ZIP_STORED:
        raise ValueError(f"{name} is compressed, as torch never writes it")
    return archive.read(name)


def _read_legacy(path: Path) -> tuple[Any, Callable[[Tensor], np.ndarray]]:
    with path.open("rb") as file:
        magic, protocol, system = (_Unpickler(file).load() for _ in range(3))
        if magic != LEGACY_MAGIC or protocol != LEGACY_PROTOCOL:
            raise ValueError("not torch's magic number")
        byteorder = "little" if system.get("little_endian", True) else "big"
        content = _Unpickler(file).load()
        keys = _Unpickler(file).load()
        storages, rest = _all_storages(content), file.read()
    data: dict[str, bytes] = {}
    place = 0
    for key in keys:
        (count,) = struct.unpack_from("<q" if byteorder == "little" else ">q", rest, place)
        dtype = storages[key].dtype if key in storages else "u1"
        size = count * itemsize(dtype)
        place += 8
        if count < 0 or place + size > len(rest):
            raise ValueError("the file ends before its numbers do")
        data[key] = rest[place : place + size]
        place += size
    return content, lambda tensor: tensor.array(data[tensor.storage.key], byteorder=byteorder)


def _all_storages(content: Any) -> Mapping[str, Storage]:
    found: dict[str, Storage] = {}
    waiting, seen = [content], set()
    while waiting:
        value = waiting.pop()
        if isinstance(value, Tensor):
            found[value.storage.key] = value.storage
        elif isinstance(value, (dict, list, tuple)) and id(value) not in seen:
            seen.add(id(value))
            waiting += value.values() if isinstance(value, dict) else value
    return found
