"""A page of at most fifteen lines for a pull request: sentence, table, noise, machine, what to do."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from benchmarks.results.formatting import markdown_text

MOST_LINES = 15
MOST_ROWS = 6  # what is left of the lines for the table, its last row perhaps the count of those left out
LONGEST_CELL = 200  # characters


@dataclass(frozen=True, kw_only=True)
class Summary:
    """Parts of the page; ``rows`` begin with those that matter most, for the others may be left out."""

    sentence: str
    columns: Sequence[str]
    rows: Sequence[Sequence[str]]
    noise: str
    machine: str
    advice: str

    def markdown(self) -> str:
        """The page as Markdown of at most ``MOST_LINES`` lines."""
        lines = [f"**{_cell(self.sentence, most=600)}**", ""]
        if self.rows:
            lines += [_row(self.columns), _row(["---"] * len(self.columns)), *self._shown_rows(), ""]
        facts = {"Noise": self.noise, "Machine": self.machine, "What to do": self.advice}
        lines += [f"- {name}: {_cell(text, most=400)}" for name, text in facts.items() if text]
        assert len(lines) <= MOST_LINES
        return "\n".join(lines) + "\n"

    def _shown_rows(self) -> list[str]:
        shown = self.rows if len(self.rows) <= MOST_ROWS else self.rows[: MOST_ROWS - 1]
        lines = [_row(row) for row in shown]
        left = len(self.rows) - len(shown)
        return [*lines, _row([f"and {left} more", *[""] * (len(self.columns) - 1)])] if left else lines


def machine_line(environment: Mapping[str, Any]) -> str:
    """Processor or GPUs, cores and versions of the frameworks."""
    names = "; ".join(environment.get("gpus") or []) or environment.get("cpu") or "an unknown processor"
    versions = [f"{name} {facts.get(name)}" for name, facts in environment.get("backends", {}).items()]
    commit = environment.get("repository_commit")
    return ", ".join(
        [
            names,
            f"{environment.get('cores')} cores",
            *versions,
            *([f"commit {commit[:12]}"] if commit else []),
        ]
    )


def _row(cells: Sequence[str]) -> str:
    return f"| {' | '.join(_cell(cell, most=LONGEST_CELL) for cell in cells)} |"


def _cell(text: str, *, most: int) -> str:
    return markdown_text(text if len(text) <= most else f"{text[:most]} …")
