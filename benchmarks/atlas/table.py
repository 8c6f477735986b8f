"""The committed atlas of the pinned versions: what parity and the documentation read."""

import json
from collections.abc import Iterable
from functools import cache
from typing import Any

from benchmarks.atlas.row import AtlasReport, Row
from common.files import write_text
from common.operations.table import FILE

LEFT_OUT = {"gaps", "seconds"}  # of a row: they say no more than its distance, or differ with each run


@cache
def committed() -> AtlasReport:
    """The rows of the pinned versions."""
    header, *rows = (json.loads(line) for line in FILE.read_text(encoding="utf-8").splitlines())
    return AtlasReport(rows=[Row.model_validate(row) for row in rows], **header)


def write_table(report: AtlasReport) -> None:
    """Make a report the committed one: a line a row, so that a change of one is a change of one line."""
    backends = report.environment["backends"]
    versions = {side: {name: facts[name] for name in (side, "numpy")} for side, facts in backends.items()}
    header = {"sides": report.sides, "environment": {"cpu": report.environment["cpu"], "backends": versions}}
    rows = [_short(row.model_dump(exclude_defaults=True, exclude=LEFT_OUT)) for row in report.rows]
    lines = [json.dumps(line, ensure_ascii=False) for line in (header, *rows)]
    write_text(FILE, "\n".join(lines) + "\n")


def _short(value: Any) -> Any:
    """Numbers with three digits: more are noise."""
    if isinstance(value, dict):
        return {name: _short(one) for name, one in value.items()}
    return float(f"{value:.2e}") if isinstance(value, float) else value


def rows_of(operations: Iterable[str]) -> dict[str, list[Row]]:
    """Rows by the torch names of the operations that a model uses, in their order."""
    found: dict[str, list[Row]] = {name: [] for name in operations}
    for row in committed().rows:
        if row.operation in found:
            found[row.operation].append(row)
    return found
