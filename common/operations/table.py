"""The committed rows of the atlas, of the pinned versions, as plain data: hints and likely causes.

``python -m benchmarks.atlas`` finds them; see ``benchmarks/atlas/README.md``.
"""

import json
from collections.abc import Mapping, Sequence
from functools import cache
from pathlib import Path
from typing import Any

FILE = Path(__file__).parent / "table.jsonl"  # the first line says with which versions, then a line a row
PROVEN, DIFFERENT, MISSING = "known difference", "different", "missing"
COPIED = "initialisers"  # a family that no comparison of copied weights shows


@cache
def rows() -> tuple[dict[str, Any], ...]:
    """All rows, without what is as a row has it by default."""
    lines = FILE.read_text(encoding="utf-8").splitlines()
    return tuple(json.loads(line) for line in lines[1:])


def differences_of(*operations: str) -> list[str]:
    """What is another rule in paddle, by torch's names of operations: proven sentences, notes, defaults."""
    found = [row for row in _of(operations) if row["family"] != COPIED]
    sentences = [row["proof"]["sentence"] for row in found if row["verdict"] == PROVEN]
    sentences += [
        f"{row['note']} ({row['spellings']['torch']})"
        for row in found
        if row["verdict"] == DIFFERENT and row.get("note")
    ]
    defaults = [
        f"default of {row['operation']}'s {line}"
        for row in found
        for line in row.get("defaults", ())
        if "None" not in line  # what one signature leaves open says nothing
    ]
    return list(dict.fromkeys([*sentences, *defaults]))


def stand_in_of(name: str) -> str | None:
    """Paddle's spelling for a dotted name that paddle has not, if the atlas knows one that gives the same."""
    for row in rows():
        missing: Mapping[str, Any] = row.get("missing") or {}
        if missing.get("name") == name and missing["side"] == "paddle" and missing.get("instead"):
            return str(missing["instead"])
    return None


def _of(operations: Sequence[str]) -> list[dict[str, Any]]:
    """Rows in the order of the operations."""
    return [row for name in operations for row in rows() if row["operation"] == name]
