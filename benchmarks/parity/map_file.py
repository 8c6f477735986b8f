"""The file behind --map: torch's names to paddle's, and the skeleton of one."""

import json
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

from common.cli import UsageError


def read_names(path: Path) -> dict[str, str]:
    """Read a map: a JSON object of names. Raises UsageError."""
    try:
        names = json.loads(path.read_text(encoding="utf-8"))
    except OSError as error:
        raise UsageError(f"{path}: cannot be read ({error.strerror})") from None
    except ValueError as error:
        raise UsageError(
            f"{path}: no JSON ({error}); expected an object of torch's names to paddle's"
        ) from None
    if not isinstance(names, dict) or not all(isinstance(value, str) for value in names.values()):
        raise UsageError(f'{path}: expected an object such as {{"conv1.weight": "features.0.weight"}}')
    return names


def trees(pairing: Mapping[str, Any]) -> list[str]:
    """Both sides' parameters, the first that do not fit marked, and the map to fill in."""
    lines = []
    for name in ("torch", "paddle"):
        lines.append(f"{name}:")
        for entry in pairing[name]:
            mark = "->" if entry["name"] == pairing["first"][name] else "  "
            shape = "x".join(map(str, entry["shape"]))
            lines.append(f" {mark} {entry['name']}  {shape}  {entry['type']}")
    return [*lines, "", "Fill in what is empty, and give it as --map FILE.json:", *skeleton(pairing)]


def skeleton(pairing: Mapping[str, Any]) -> list[str]:
    """A map from every parameter of torch to paddle's of that name, or to nothing yet."""
    theirs: Sequence[str] = [entry["name"] for entry in pairing["paddle"]]
    names = {entry["name"]: entry["name"] if entry["name"] in theirs else "" for entry in pairing["torch"]}
    return json.dumps(names, indent=2).splitlines()
