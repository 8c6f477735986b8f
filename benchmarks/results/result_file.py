"""Result files: written whole, checked when they are read, of this version or an earlier one."""

import json
from pathlib import Path
from typing import Any

from pydantic import BaseModel, ValidationError
from pydantic_core import to_json

from benchmarks.results.free_parts import FreeParts
from benchmarks.results.sanity import impossible
from benchmarks.results.schema import CompareReport
from common.cli import UsageError, one_line
from common.endings import exit_codes
from common.files import write_text
from common.json_text import read_json

READABLE = (1,)  # later versions are added here, with what turns an older file into a newer one
DIALECT = "https://json-schema.org/draft/2020-12/schema"


def read(path: Path) -> CompareReport:
    """A result file of benchmarks.run or benchmarks.compare, of this version or an earlier one.

    Raises UsageError where it is none, or one of a later version.
    """
    try:
        content = read_json(path)
        version = content["schema_version"]
    except UsageError as error:
        raise UsageError(f"{error}; give a file that --json wrote") from None
    except (ValueError, TypeError, KeyError) as error:
        said = f" ({error})" if "no number" in str(error) else ""
        raise UsageError(f"{path}: is no result file{said}; give one that --json or --report wrote") from None
    if version not in READABLE:
        said = one_line(version, limit=60)
        raise UsageError(f"{path}: has schema_version {said}, this program reads {READABLE[-1]}; update it")
    _require_possible(content, path)
    alone: dict[str, Any] = {"parity": None, "comparisons": [], "best": []}  # of benchmarks.run
    try:
        FreeParts.model_validate(content)
        report = CompareReport.model_validate(alone | content)
    except ValidationError as error:
        first = error.errors()[0]
        where = ".".join(map(str, first["loc"]))
        raise UsageError(f"{path}: {where}: {first['msg']}; give a file that --json wrote") from None
    _require_possible(report.model_dump(), path)  # once more: "nan", a text, has become a number
    return report


def _require_possible(content: Any, path: Path) -> None:
    problem = impossible(content)
    if problem is not None:
        raise UsageError(f"{path}: {problem}, as nothing that was measured is; measure again")


def json_schema(model: type[BaseModel] = CompareReport) -> str:
    """The JSON Schema of a result file, as published beside this module."""
    schema = {"$schema": DIALECT} | model.model_json_schema()
    codes = "\n".join(f"{code}: {meaning}" for code, meaning in exit_codes().items())
    schema["description"] += f"\n\nExit codes of the command that wrote it:\n{codes}"
    return json.dumps(schema, indent=2) + "\n"


def text_of(report: object) -> str:
    """A report as JSON. NaN and infinity, which JSON has not, become null."""
    return to_json(report, indent=2, inf_nan_mode="null").decode() + "\n"


def write(report: object, path: Path) -> None:
    """Write a report as JSON, atomically, as ``text_of`` has it."""
    write_text(path, text_of(report))
