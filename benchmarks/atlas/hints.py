"""What the atlas knows of the operations that a model uses."""

from collections.abc import Iterable

from benchmarks.atlas.row import DIFFERENT, KNOWN, Row
from benchmarks.atlas.table import rows_of
from benchmarks.atlas.text import sentence
from common.language import ENGLISH, Language


def difference_lines(operations: Iterable[str], say: Language = ENGLISH) -> list[str]:
    """A heading and a line for each operation, by torch's names, that differs in some configuration.

    Nothing where none does. The lines are in English. Constants in float32, which parity reproduces itself,
    are left out, and so are initial values, which it copies.
    """
    lines: dict[str, str] = {}
    for name, rows in rows_of(operations).items():
        row = _telling([row for row in rows if row.family != "initialisers"])
        if row is not None:
            why = row.proof.sentence if row.proof else row.note or sentence(row)
            lines.setdefault(why, f"  {name}: {why} ({row.spellings['torch']})")  # a layer calls its function
    heading = say("Of its operations the atlas knows to differ, in some configurations:")
    return ["", heading, *lines.values()] if lines else []


def _telling(rows: list[Row]) -> Row | None:
    """The row that says most: a proven rule before what merely differs."""
    found = [row for verdict in (KNOWN, DIFFERENT) for row in rows if row.verdict == verdict]
    return found[0] if found else None
