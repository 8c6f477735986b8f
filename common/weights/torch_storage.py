"""Tensors as torch's files describe them: views into storages of numbers."""

from dataclasses import dataclass

import numpy as np

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
        """The numbers, copied out of the storage's bytes. Raises ValueError if it reaches beyond them."""
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
