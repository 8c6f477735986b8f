"""Results as JSON that every reader takes: JSON has neither NaN nor infinity, and Python writes both."""

import json
import math
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

from common.cli import UsageError
from common.files import require_regular, write_text
from common.terminal import printable


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


def read_json(path: Path) -> Any:
    """The value in a JSON file of others: whole, with finite numbers, without characters that move a cursor.

    Raises UsageError where the file cannot be read, ValueError where it is no such JSON.
    """
    require_regular(path)
    try:
        text = path.read_text(encoding="utf-8")
    except OSError as error:
        raise UsageError(f"{path}: cannot be read ({error.strerror})") from None
    try:
        return _plain(json.loads(text, parse_constant=_refuse))
    except RecursionError:
        raise ValueError("nested too deeply") from None


def _refuse(word: str) -> None:
    raise ValueError(f"holds {word}, which is no number")


def _plain(value: Any) -> Any:
    if isinstance(value, str):
        return printable(value)
    if isinstance(value, dict):
        return {printable(name): _plain(each) for name, each in value.items()}
    return [_plain(each) for each in value] if isinstance(value, list) else value
