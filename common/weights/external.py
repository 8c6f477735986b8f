"""Weights that others saved: torch's and paddle's files and plain safetensors, as arrays by name.

Nothing that a file holds is executed, and neither framework is needed.
"""

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np

from common.cli import UsageError, one_line
from common.files import require_regular
from common.pickled_data import ArrayRecord
from common.weights import paddle_file, safetensors_file
from common.weights.file_kind import START, foreign_kind, kind_by_name
from common.weights.layout import transpose
from common.weights.safetensors_file import LENGTH_BYTES
from common.weights.state_dict import StateDict, find_state_dict, without_prefixes
from common.weights.torch_file import Tensor, Unreadable, is_torch_file, read_torch_file

FLOATS = "export them as float32"


@dataclass(frozen=True, kw_only=True)
class ForeignWeights:
    """Arrays by name, in the file's order.

    ``framework`` is the one in whose layout linear weights lie; None is torch's. ``notes`` say what of the
    file was not read.
    """

    source: Path
    framework: str | None
    arrays: Mapping[str, np.ndarray]
    notes: tuple[str, ...] = ()

    def neutral(self) -> dict[str, np.ndarray]:
        """The arrays in the neutral layout.

        An array of two axes is a linear layer's weight, whatever its sizes: of the layers that the
        models here have, no other has one. paddle keeps it as (inputs, outputs).
        """
        turn = self.framework == "paddle"
        return {
            name: transpose(array) if turn and array.ndim == 2 else array
            for name, array in self.arrays.items()
        }


def read_foreign(path: Path) -> ForeignWeights:
    """The weights in a file of any kind.

    Raises UsageError naming what is wrong and what to do.
    """
    start = _start(path)
    kind = foreign_kind(start)
    if kind is not None:
        raise UsageError(f"{path}: {kind}")
    framework, read = _reader(path, start)
    try:
        arrays, notes = read(path)
    except UsageError as error:
        raise UsageError(f"{path}: {str(error).removeprefix(f'{path}: ')}") from None
    except MemoryError:
        raise
    except Exception as error:  # a damaged file can raise nearly anything
        said = f"{type(error).__name__}: {one_line(error, limit=200)}"
        raise UsageError(
            f"{path}: no readable {framework} file ({said}); copy or download it again"
        ) from None
    return ForeignWeights(source=path, framework=framework, arrays=arrays, notes=notes)


def _reader(path: Path, start: bytes) -> tuple[str | None, Callable[[Path], "Arrays"]]:
    """The framework whose file it is, as its first bytes say, and what reads it. Raises UsageError."""
    if start[LENGTH_BYTES : LENGTH_BYTES + 1] == b"{":  # there pickles have other things
        return None, _read_safetensors
    if is_torch_file(start):
        return "torch", _read_torch
    if start.startswith(b"\x80"):
        return "paddle", _read_paddle
    kind = (
        kind_by_name(path) or "is not a readable file of weights: neither torch's, paddle's nor .safetensors"
    )
    raise UsageError(f"{path}: {kind}")


def _start(path: Path) -> bytes:
    require_regular(path)
    try:
        with path.open("rb") as file:
            return file.read(START)
    except OSError as error:
        raise UsageError(f"{path}: cannot be read ({error.strerror})") from None


Arrays = tuple[dict[str, np.ndarray], tuple[str, ...]]  # by name, and lines on what was not read


def _read_safetensors(path: Path) -> Arrays:
    arrays = safetensors_file.load(path)
    if not arrays:
        raise UsageError("holds no weights: its header names none; give another file")
    return dict(without_prefixes(arrays)), ()


def _read_torch(path: Path) -> Arrays:
    """The tensors of a state dict, whatever it is wrapped in."""
    content, array_of = read_torch_file(path)

    def axes(value: Tensor | Unreadable | ArrayRecord) -> int:
        return 1 if isinstance(value, Unreadable) else len(value.shape)

    kinds = (Tensor, Unreadable, ArrayRecord)  # torch.save takes NumPy's arrays, too
    found = find_state_dict(content, is_tensor=lambda value: isinstance(value, kinds), axes=axes)
    for name, value in found.tensors.items():
        if isinstance(value, Unreadable):
            raise UsageError(f"{one_line(name, limit=100)} is {value.what}, and no plain numbers; {FLOATS}")
    return _arrays(found, lambda value: value.array() if isinstance(value, ArrayRecord) else array_of(value))


def _read_paddle(path: Path) -> Arrays:
    """The arrays of a state dict, whatever it is wrapped in."""

    def is_tensor(value: Any) -> bool:
        return paddle_file.record_of(value) is not None

    def axes(value: Any) -> int:
        record = paddle_file.record_of(value)
        return 0 if record is None else len(record.shape)

    found = find_state_dict(paddle_file.read_paddle_file(path), is_tensor=is_tensor, axes=axes)
    paddle_file.require_weights(list(found.tensors))
    return _arrays(found, paddle_file.array_of)


def _arrays(found: StateDict, array_of: Callable[[Any], np.ndarray]) -> Arrays:
    return {name: array_of(tensor) for name, tensor in found.tensors.items()}, found.notes
