"""Annotations that a CI service shows beside the lines of a change: GitHub's workflow commands.

GitHub's documentation, "Workflow commands for GitHub Actions", has the syntax and what is escaped. At most
ten of a step are shown; so that none is dropped unseen, the tenth says how many there are.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Literal

from benchmarks.ci.places import Place

Level = Literal["error", "warning", "notice"]
SERVICES = ("github", "none")
MOST = 10
RANKS = ("error", "warning", "notice")
DATA = {"%": "%25", "\r": "%0D", "\n": "%0A"}  # in this order: the first is what the others are made of
PROPERTY = {**DATA, ":": "%3A", ",": "%2C"}


@dataclass(frozen=True, kw_only=True)
class Annotation:
    """A sentence on a line of the user's code, if that is known."""

    level: Level
    message: str
    place: Place | None = None


def default_service(environment: Mapping[str, str]) -> str:
    """The service that this process runs on: GitHub's runners set GITHUB_ACTIONS."""
    return "github" if environment.get("GITHUB_ACTIONS") == "true" else "none"


def workflow_commands(annotations: Sequence[Annotation], *, root: Path) -> list[str]:
    """One line for each annotation, errors first; ``root`` is the repository's folder."""
    ordered = sorted(annotations, key=lambda each: RANKS.index(each.level))
    if len(ordered) > MOST:
        left = ordered[MOST - 1 :]
        rest = Annotation(
            level=left[0].level, message=f"{len(ordered)} in all; {len(left)} are not shown here"
        )
        ordered = [*ordered[: MOST - 1], rest]
    return [_command(each, root) for each in ordered]


def repository(environment: Mapping[str, str]) -> Path:
    """The folder that paths of annotations are relative to."""
    return Path(environment.get("GITHUB_WORKSPACE") or ".").resolve()


def _command(annotation: Annotation, root: Path) -> str:
    properties = {"title": "side-by-side"}
    if annotation.place is not None and annotation.place.file.resolve().is_relative_to(root):
        file = annotation.place.file.resolve().relative_to(root).as_posix()
        properties = {"file": file, "line": str(annotation.place.line), **properties}
    words = ",".join(f"{name}={_escaped(value, PROPERTY)}" for name, value in properties.items())
    return f"::{annotation.level} {words}::{_escaped(annotation.message, DATA)}"


def _escaped(text: str, codes: Mapping[str, str]) -> str:
    for letter, code in codes.items():
        text = text.replace(letter, code)
    return text
