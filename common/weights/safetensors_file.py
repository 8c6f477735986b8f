"""Named arrays on disk: safetensors, the one format that both frameworks' weights pass through.

https://huggingface.co/docs/safetensors: a length, a JSON header, raw bytes; nothing executable.
"""

from collections.abc import Iterator, Mapping
from pathlib import Path

import numpy as np
from safetensors import SafetensorError, safe_open
from safetensors.numpy import save_file

from common.cli import UsageError
from common.files import replacing

NOTE = "side-by-side"  # the header's one entry for text


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
        save_file(contiguous, temporary, metadata=None if note is None else {NOTE: note})


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
            yield name, file.get_tensor(name)


def _opened(path: Path) -> safe_open:
    try:
        return safe_open(path, framework="numpy")
    except FileNotFoundError:
        raise UsageError(f"{path}: no such file") from None
    except (SafetensorError, OSError) as error:
        raise UsageError(f"{path}: not a readable safetensors file ({error})") from None
