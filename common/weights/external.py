"""Weights that others saved: torch's and paddle's files and plain safetensors, as arrays by name.

Nothing that a file holds is executed, and neither framework is needed.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np

from common.cli import UsageError
from common.restricted_pickle import ARRAYS, ArrayRecord, RestrictedUnpickler
from common.weights import safetensors_file
from common.weights.layout import transpose
from common.weights.torch_file import Tensor, is_torch_file, read_torch_file

START = 16  # bytes that identify a format
PADDLE_NAMES = "StructuredToParameterName@@"  # paddle's own table beside the weights
WRAPPERS = ("state_dict", "model_state_dict", "model", "net", "weights", "params")
NOT_ARRAYS = (
    "holds more than arrays (it names {name}), and loading that could run any code; export its weights where "
    "it was made: paddle.save(model.state_dict(), 'weights.pdparams')"
)


@dataclass(frozen=True, kw_only=True)
class ForeignWeights:
    """Arrays by name, in the file's order.

    ``framework`` is the one in whose layout linear weights lie; None is torch's.
    """

    source: Path
    framework: str | None
    arrays: Mapping[str, np.ndarray]

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
    if start[8:9] == b"{":  # safetensors: behind the header's length; there pickles have other things
        return ForeignWeights(source=path, framework=None, arrays=safetensors_file.load(path))
    if is_torch_file(start):
        framework, read = "torch", _read_torch
    elif start.startswith(b"\x80"):
        framework, read = "paddle", _read_paddle
    else:
        return ForeignWeights(source=path, framework=None, arrays=safetensors_file.load(path))
    try:
        arrays = read(path)
    except UsageError as error:
        raise UsageError(f"{path}: {error}") from None
    except MemoryError:
        raise
    except Exception as error:  # a damaged file can raise nearly anything
        raise UsageError(f"{path}: no readable {framework} file ({type(error).__name__}: {error})") from None
    return ForeignWeights(source=path, framework=framework, arrays=arrays)


def _start(path: Path) -> bytes:
    try:
        with path.open("rb") as file:
            return file.read(START)
    except FileNotFoundError:
        raise UsageError(f"{path}: no such file") from None
    except OSError as error:
        raise UsageError(f"{path}: cannot be read ({error.strerror})") from None


def _read_torch(path: Path) -> dict[str, np.ndarray]:
    """The tensors of a state dict, whatever it is wrapped in, without DataParallel's prefix."""
    content, array_of = read_torch_file(path)
    named = {name: value for name, value in _state_dict(content).items() if isinstance(value, Tensor)}
    if not named:
        raise UsageError("holds no weights by name; torch.save a state dict")
    arrays = {str(name): array_of(tensor) for name, tensor in named.items()}
    if all(name.startswith("module.") for name in arrays):
        arrays = {name.removeprefix("module."): array for name, array in arrays.items()}
    return arrays


def _state_dict(content: Any) -> Mapping[Any, Any]:
    if not isinstance(content, dict):
        return {}
    if any(isinstance(value, Tensor) for value in content.values()):
        return content
    for name in WRAPPERS:
        inner = content.get(name)
        if isinstance(inner, dict) and any(isinstance(value, Tensor) for value in inner.values()):
            return inner
    return {}


class _PaddleUnpickler(RestrictedUnpickler):
    def __init__(self, file: Any) -> None:
        # paddle writes a parameter as a call of tuple on (its name, its array).
        pair = {("builtins", "tuple"): tuple, ("__builtin__", "tuple"): tuple}
        super().__init__(file, {**ARRAYS, **pair}, encoding="latin1")

    def find_class(self, module: str, name: str) -> Any:
        if (module, name) not in self._names:
            raise UsageError(NOT_ARRAYS.format(name=f"{module}.{name}"))
        return self._names[module, name]


def _read_paddle(path: Path) -> dict[str, np.ndarray]:
    """The arrays of a state dict."""
    with path.open("rb") as file:
        content = _PaddleUnpickler(file).load()
    values = {str(name): _array(value) for name, value in dict(content).items() if name != PADDLE_NAMES}
    arrays = {name: array for name, array in values.items() if array is not None}
    if any(name.rpartition("_")[0].endswith(("_moment1", "_velocity", "_beta1_pow_acc")) for name in arrays):
        raise UsageError("holds an optimizer's moments and no weights; give the .pdparams file beside it")
    if not arrays:
        raise UsageError("holds no weights by name; paddle.save a state dict")
    return arrays


def _array(value: Any) -> np.ndarray | None:
    """The array in an entry: bare, or with its parameter's own name."""
    if isinstance(value, tuple) and len(value) == 2:
        value = value[1]
    return value.array().copy() if isinstance(value, ArrayRecord) else None
