"""Rows on disk, one line each, written as they are found: what was found before a stop is kept."""

import json
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from benchmarks.atlas.row import Row
from common.cli import UsageError

FILE = "rows.jsonl"


class Journal:
    """A file whose first line says what was asked, and whose last line of each case counts.

    ``asked`` has a case's fingerprint by id; a row of a case that has been changed since is none of ``rows``.
    """

    def __init__(self, folder: Path | None, *, header: Mapping[str, Any], asked: Mapping[str, int]) -> None:
        self.path = folder / FILE if folder else None
        self.rows: dict[str, Row] = {}
        self._asked = asked
        if self.path is None:
            return
        if self.path.exists():
            self._read(self.path, header)
        else:
            self._append(header)

    def add(self, row: Row) -> None:
        """Keep a row, in place of an earlier one of its case."""
        self.rows[row.id] = row
        self._append({"asked": self._asked[row.id], **row.model_dump()})

    def _append(self, content: Mapping[str, Any]) -> None:
        if self.path is not None:
            with self.path.open("a", encoding="utf-8") as file:
                file.write(json.dumps(content) + "\n")

    def _read(self, path: Path, header: Mapping[str, Any]) -> None:
        whole = path.read_text(encoding="utf-8").splitlines(keepends=True)
        lines = [json.loads(line) for line in whole if line.endswith("\n")]
        if not lines or lines[0] != dict(header):
            raise UsageError(
                f"{path}: holds rows of other versions or another request; name another folder with "
                f"--report, or remove that file"
            )
        if len(lines) < len(whole):  # a line that a stop cut short
            path.write_text("".join(whole[: len(lines)]), encoding="utf-8")
        for content in lines[1:]:
            if content.pop("asked", None) == self._asked.get(content["id"], ""):
                self.rows[content["id"]] = Row.model_validate(content)
