"""Results as JSON that every reader takes: JSON has neither NaN nor infinity, and Python writes both."""

import json
import math
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

from common.files import write_text


def json_text(value: Any, *, indent: int | None = 2, sort_keys: bool = False) -> str:
    """A value as JSON text; numbers that are not finite become null."""
    return json.dumps(_finite(value), indent=indent, sort_keys=sort_keys, ensure_ascii=False, allow_nan=False)


def write_json(path: Path, value: Any) -> None:
    """Write a value as JSON, atomically."""
    write_text(path, json_text(value) + "\n")


def _finite(value: Any) -> Any:
    if isinstance(value, float):
        return value if math.isfinite(value) else None
    if isinstance(value, Mapping):
        return {name: _finite(each) for name, each in value.items()}
    if isinstance(value, Sequence) and not isinstance(value, str):
        return [_finite(each) for each in value]
    return value
