"""Weights out of paddle's files (.pdparams) without paddle, running nothing: pickles of NumPy arrays."""

import io
from pathlib import Path
from typing import Any

import numpy as np

from common.cli import UsageError
from common.restricted_pickle import ARRAYS, ArrayRecord, RestrictedUnpickler
from common.weights.number_types import widened

NAMES = "StructuredToParameterName@@"  # paddle's own table beside the weights
OPTIMIZERS = ("_moment1", "_velocity", "_beta1_pow_acc")


def read_paddle_file(path: Path) -> Any:
    """A file's content, with an ArrayRecord where an array is. Raises UsageError like read_torch_file."""
    content = RestrictedUnpickler(
        io.BytesIO(path.read_bytes()), ARRAYS, names_allowed=True, encoding="latin1"
    ).load()
    return _bare(content)


def array_of(record: ArrayRecord) -> np.ndarray:
    """The array, read-only.

    uint16 is bfloat16's bits: NumPy has no type for these, and paddle none for uint16.
    """
    array = record.array()
    return widened(array) if array.dtype == np.uint16 else array


def require_weights(names: list[str]) -> None:
    """Raise UsageError if the arrays are an optimizer's moments."""
    if any(name.rpartition("_")[0].endswith(OPTIMIZERS) for name in names):
        raise UsageError("holds an optimizer's moments and no weights; give the .pdparams file beside it")


def _bare(content: Any) -> Any:
    """The content with arrays in place of (parameter's own name, array), to the depth that checkpoints have."""
    if isinstance(content, tuple) and len(content) == 2 and isinstance(content[1], ArrayRecord):
        return content[1]
    return content
