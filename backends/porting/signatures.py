"""What paddle's callables accept, asked of an interpreter that has paddle.

Run there as a program, it reads dotted names, one a line, and answers with one JSON object.
"""

import inspect
import json
import subprocess
import sys
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from common.cli import UnavailableError

ROOT = Path(__file__).resolve().parents[2]


@dataclass(frozen=True, kw_only=True)
class Signature:
    """A callable of paddle's.

    ``parameters`` are the names of what it takes, without ``self``; None where that cannot be read.
    ``is_open``: it takes other keywords, too, such as torch's words for its own. ``likely`` is another name
    for one that does not exist, equal but for its letters' case.
    """

    exists: bool
    parameters: tuple[str, ...] | None = None
    is_open: bool = False
    likely: str | None = None


def signatures(names: Iterable[str], *, python: str) -> dict[str, Signature]:
    """The signature of each dotted name, by that name. Raises UnavailableError where paddle is missing."""
    asked = "\n".join(sorted(set(names)))
    command = [python, "-m", "backends.porting.signatures"]
    ended = subprocess.run(command, input=asked, capture_output=True, text=True, check=False, cwd=ROOT)
    if ended.returncode:
        said = ended.stderr.strip().splitlines() or [f"exit code {ended.returncode}"]
        raise UnavailableError(f"{python}: paddle cannot be asked what it accepts: {said[-1]}")
    answers: Mapping[str, Mapping[str, Any]] = json.loads(ended.stdout.splitlines()[-1])
    return {name: _read(answer) for name, answer in answers.items()}


def _read(answer: Mapping[str, Any]) -> Signature:
    parameters = answer["parameters"]
    return Signature(**{**answer, "parameters": None if parameters is None else tuple(parameters)})


def _look_up(name: str) -> dict[str, Any]:
    """What a name is here, as a Signature's fields."""
    import paddle

    owner, parts = paddle, name.split(".")[1:]
    for place, part in enumerate(parts):
        if not hasattr(owner, part):
            alike = [other for other in dir(owner) if other.lower() == part.lower()]
            whole = ".".join(["paddle", *parts[:place], alike[0], *parts[place + 1 :]]) if alike else None
            return {"exists": False, "parameters": None, "is_open": False, "likely": whole}
        owner = getattr(owner, part)
    parameters, is_open = _parameters(owner)
    return {"exists": True, "parameters": parameters, "is_open": is_open, "likely": None}


def _parameters(owner: Any) -> tuple[list[str] | None, bool]:
    try:
        found = [*inspect.signature(owner).parameters.values()]
    except (TypeError, ValueError):
        return None, True
    names = [one.name for one in found if one.kind not in (one.VAR_POSITIONAL, one.VAR_KEYWORD)]
    # A wrapper may translate torch's words, and **kwargs may be anything.
    made = owner.__init__ if inspect.isclass(owner) else owner
    is_wrapped = hasattr(made, "__wrapped__")
    return names, is_wrapped or any(one.kind in (one.VAR_KEYWORD, one.VAR_POSITIONAL) for one in found)


if __name__ == "__main__":
    print(json.dumps({name: _look_up(name) for name in sys.stdin.read().split()}))
