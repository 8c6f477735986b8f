"""Result files: written whole, checked when they are read, of this version or an earlier one."""

import json
from pathlib import Path
from typing import Any

from pydantic import ValidationError
from pydantic_core import to_json

from benchmarks.results.schema import CompareReport
from common.cli import UsageError
from common.files import write_text

READABLE = (1,)  # later versions are added here, with what turns an older file into a newer one
DIALECT = "https://json-schema.org/draft/2020-12/schema"


def read(path: Path) -> CompareReport:
    """A result file of benchmarks.run or benchmarks.compare, of this version or an earlier one.

    Raises UsageError where it is none, or one of a later version.
    """
    try:
        content = json.loads(path.read_text(encoding="utf-8"))
        version = content["schema_version"]
    except OSError as error:
        raise UsageError(
            f"{path}: cannot be read ({error.strerror}); give a file that --json wrote"
        ) from None
    except (ValueError, TypeError, KeyError):
        raise UsageError(f"{path}: is no result file; give one that --json or --report wrote") from None
    if version not in READABLE:
        raise UsageError(
            f"{path}: has schema_version {version}, this program reads {READABLE[-1]}; update it"
        )
    alone: dict[str, Any] = {"parity": None, "comparisons": [], "best": []}  # of benchmarks.run
    try:
        return CompareReport.model_validate(alone | content)
    except ValidationError as error:
        first = error.errors()[0]
        where = ".".join(map(str, first["loc"]))
        raise UsageError(f"{path}: {where}: {first['msg']}; give a file that --json wrote") from None


def json_schema() -> str:
    """The JSON Schema of a result file, as published beside this module."""
    schema = {"$schema": DIALECT} | CompareReport.model_json_schema()
    return json.dumps(schema, indent=2) + "\n"


def write(report: object, path: Path) -> None:
    """Write a report as JSON, atomically.

    NaN and infinity, which JSON has not, become null.
    """
    write_text(path, to_json(report, indent=2, inf_nan_mode="null").decode() + "\n")
