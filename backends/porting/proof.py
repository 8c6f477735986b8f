"""Proof of a twin: source and twin through the parity check, and the line of the user's file that fails.

The check is a command of its own, so that both frameworks load in workers of their own.
"""

import json
import subprocess
import sys
import tempfile
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from backends.porting.places import line_in_source, line_of_layer
from common.cli import UnavailableError

ROOT = Path(__file__).resolve().parents[2]
COMMAND = "benchmarks.parity"


@dataclass(frozen=True, kw_only=True)
class Proof:
    """The verdict, what the check printed, and where in the user's source the first fault lies."""

    verdict: str
    text: str
    place: str | None = None


def prove(
    sources: Mapping[str, str], flags: Sequence[str], *, folder: Path, files: Mapping[Path, Path]
) -> Proof:
    """Compare ``sources`` ("MODULE:CALLABLE" by framework, found in ``folder``).

    ``files`` has the source file of every twin's file. Raises UnavailableError where there is no verdict.
    """
    with tempfile.TemporaryDirectory() as scratch:
        target = Path(scratch) / "parity.json"
        command = [sys.executable, "-c", _launcher(), *flags, "--json", str(target)]
        command += [f"--{name}={source}" for name, source in sources.items()]
        ended = subprocess.run(command, cwd=folder, capture_output=True, text=True, check=False)
        if not target.exists():
            said = ended.stderr.strip().splitlines() or [f"exit code {ended.returncode}"]
            raise UnavailableError(f"the twin could not be compared: {said[-1]}")
        report = json.loads(target.read_text(encoding="utf-8"))
    first = report["first_divergence"]
    place = None if first is None else _place(first, files)
    return Proof(verdict=report["verdict"], text=ended.stdout.strip(), place=place)


def _launcher() -> str:
    """Runs the command with our packages first, whatever the user's folder has."""
    return (
        f"import runpy, sys; sys.path[0] = {str(ROOT)!r}; "
        f"runpy.run_module({COMMAND!r}, run_name='__main__', alter_sys=True)"
    )


def _place(first: Mapping[str, Any], files: Mapping[Path, Path]) -> str | None:
    """FILE:LINE and its text in the user's source: of the exception, else of the layer to blame."""
    twin, _, rest = (first.get("note") or "").partition(":")
    number = rest.partition(":")[0]
    for file, source in files.items():
        if number.isdigit() and Path(twin).resolve() == file.resolve():
            line = line_in_source(source.read_text(), file.read_text(), int(number))
            return _shown(source, line)
        if number.isdigit() and Path(twin).resolve() == source.resolve():
            return _shown(source, int(number))
    layer = (first.get("layer") or "").partition(" and ")[0].removeprefix("between ")
    for source in files.values():
        line = line_of_layer(source.read_text(), layer) if layer else None
        if line is not None:
            return _shown(source, line)
    return None


def _shown(source: Path, line: int | None) -> str | None:
    if line is None:
        return None
    return f"{source}:{line}: {source.read_text().splitlines()[line - 1].strip()}"
