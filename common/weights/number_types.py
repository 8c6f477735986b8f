"""Numbers that NumPy has no type for, and numbers that are no weights by themselves."""

import numpy as np

BFLOAT16 = "bfloat16"


def widened(halves: np.ndarray) -> np.ndarray:
    """Float32 numbers from bfloat16's bits, uint16 of any shape: they are the upper half of a float32."""
    return (halves.astype(np.uint32) << np.uint32(16)).view(np.float32)


def numbers(data: bytes | memoryview, dtype: str, *, byteorder: str = "little") -> np.ndarray:
    """The numbers (count,) in bytes; ``dtype`` is BFLOAT16 or NumPy's word.

    Bytes left over at the end are not read.
    """
    order = "<" if byteorder == "little" else ">"
    count = len(data) // itemsize(dtype)
    if dtype == BFLOAT16:
        return widened(np.frombuffer(data, f"{order}u2", count))
    found = np.frombuffer(data, f"{order}{dtype}", count)
    return found.astype(found.dtype.newbyteorder("="), copy=False)


def itemsize(dtype: str) -> int:
    """Bytes of one number."""
    return 2 if dtype == BFLOAT16 else np.dtype(dtype).itemsize
