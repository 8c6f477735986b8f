"""Named arrays on disk: safetensors, the one format that both frameworks' weights pass through.

https://huggingface.co/docs/safetensors: a length, a JSON header, raw bytes; nothing executable.
"""

import json
import os
import re
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

import numpy as np
from safetensors import SafetensorError, safe_open
from safetensors.numpy import save_file

from common.cli import UsageError, one_line
from common.files import replacing, require_regular
from common.weights.number_types import BFLOAT16, numbers

NOTE = "side-by-side"  # the header's one entry for text
READABLE = frozenset(["F64", "F32", "F16", "I64", "I32", "I16", "I8", "U64", "U32", "U16", "U8", "BOOL"])
LENGTH_BYTES = 8  # of the header's length, before it


def save(path: Path, arrays: Mapping[str, np.ndarray], *, note: str | None = None) -> None:
    """Write the arrays, atomically; ``note`` is text that travels in the file's header.

    Equal arrays and notes give equal bytes: the header has one entry for text, since several would
    be written in no fixed order.
    safetensors 0.8.0 writes an array's memory as it lies, so a transposed view would come back
    scrambled without a word: every array is made contiguous first.
    """
    # Not np.ascontiguousarray: it turns an array of shape () into one of shape (1,).
    contiguous = {name: np.require(array, requirements="C") for name, array in arrays.items()}
    with replacing(path) as temporary:
        try:
            save_file(contiguous, temporary, metadata=None if note is None else {NOTE: note})
        except SafetensorError as error:
            # Rust's words for the system's errors, as "No space left on device (os error 28)".
            found = re.search(r"os error (\d+)", str(error))
            if found is None:
                raise
            number = int(found.group(1))
            raise OSError(number, os.strerror(number), str(temporary)) from None


def load(path: Path) -> dict[str, np.ndarray]:
    """Read every array of the file."""
    return dict(stream(path))


def names(path: Path) -> list[str]:
    """The names in the file, sorted; reads the header only."""
    with _opened(path) as file:
        return sorted(file.keys())


def read_note(path: Path) -> str | None:
    """The text in the header; None where there is none of ours."""
    with _opened(path) as file:
        note: str | None = (file.metadata() or {}).get(NOTE)
    return note


def stream(path: Path) -> Iterator[tuple[str, np.ndarray]]:
    """Read one array at a time, by sorted name, so that one at a time is in memory."""
    with _opened(path) as file:
        for name in sorted(file.keys()):
            yield name, _tensor(path, file, name)


def _tensor(path: Path, file: Any, name: str) -> np.ndarray:
    """One array. Raises UsageError where NumPy has no such type; bfloat16 becomes float32."""
    dtype = str(file.get_slice(name).get_dtype())
    if dtype == "BF16":
        return _bfloat16(path, name)
    if dtype not in READABLE:
        what = one_line(name, limit=100)
        raise UsageError(f"{path}: {what} is of type {dtype}, which is not read here; export it as float32")
    array: np.ndarray = file.get_tensor(name)
    return array


def _bfloat16(path: Path, name: str) -> np.ndarray:
    """An array that NumPy has no type for, from its bytes in the file, whose header was checked already."""
    with path.open("rb") as file:
        length = int.from_bytes(file.read(LENGTH_BYTES), "little")
        entry = json.loads(file.read(length))[name]
        begin, end = entry["data_offsets"]
        file.seek(LENGTH_BYTES + length + begin)
        return numbers(file.read(end - begin), BFLOAT16).reshape(entry["shape"])


def _opened(path: Path) -> safe_open:
    require_regular(path)
    try:
        return safe_open(path, framework="numpy")
    except (SafetensorError, OSError) as error:
        if _ends_early(path):
            raise UsageError(
                f"{path}: ends too early, in its header or numbers; copy or download it again"
            ) from None
        raise UsageError(
            f"{path}: not a readable safetensors file ({one_line(error, limit=200)}); copy or "
            f"download it again, or save it anew"
        ) from None


def _ends_early(path: Path) -> bool:
    """True if a file begins as safetensors do, and is shorter than it says."""
    with path.open("rb") as file:
        start = file.read(LENGTH_BYTES + 1)
        size = path.stat().st_size
        length = int.from_bytes(start[:LENGTH_BYTES], "little")
        if start[LENGTH_BYTES:] != b"{" or LENGTH_BYTES + length > size:
            return start[LENGTH_BYTES:] == b"{"
        file.seek(LENGTH_BYTES)
        try:
            entries = json.loads(file.read(length)).values()
            ends = [entry["data_offsets"][1] for entry in entries if "data_offsets" in entry]
            return LENGTH_BYTES + length + max(ends, default=0) > size
        except (ValueError, TypeError, LookupError, RecursionError):
            return False
