"""Weights out of paddle's files (.pdparams) without paddle, running nothing: pickles of NumPy arrays."""

import io
from pathlib import Path
from typing import Any

import numpy as np

from common.cli import UsageError
from common.pickled_data import ARRAYS, ArrayRecord
from common.restricted_pickle import RestrictedUnpickler
from common.weights.number_types import widened

NAMES = "StructuredToParameterName@@"  # paddle's own table beside the weights
OPTIMIZERS = ("_moment1", "_velocity", "_beta1_pow_acc")


def read_paddle_file(path: Path) -> Any:
    """A file's content, with ArrayRecords in it. Raises UsageError like read_torch_file."""
    data = io.BytesIO(path.read_bytes())
    content = RestrictedUnpickler(data, ARRAYS, names_allowed=True, encoding="latin1").load()
    return (
        {name: value for name, value in content.items() if name != NAMES}
        if type(content) is dict
        else content
    )


def record_of(value: Any) -> ArrayRecord | None:
    """The record in an entry: bare, or with its parameter's own name; None where there is none."""
    if isinstance(value, tuple) and len(value) == 2:
        value = value[1]
    return value if isinstance(value, ArrayRecord) else None


def array_of(value: Any) -> np.ndarray:
    """The array in an entry, read-only.

    uint16 is bfloat16's bits: NumPy has no type for these, and paddle none for uint16.
    """
    record = record_of(value)
    assert record is not None
    array = record.array()
    return widened(array) if array.dtype == np.uint16 else array


def require_weights(names: list[str]) -> None:
    """Raise UsageError if the arrays are an optimizer's moments."""
    if any(name.rpartition("_")[0].endswith(OPTIMIZERS) for name in names):
        raise UsageError("holds an optimizer's moments and no weights; give the .pdparams file beside it")
