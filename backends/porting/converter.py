"""PaddlePaddle's own converter, PaConvert, run on a file or a package.

It is an optional extra with pins of its own (black 22.8, isort 5): PORT_PYTHON names the interpreter of an
environment that has it. https://github.com/PaddlePaddle/PaConvert
"""

import os
import re
import subprocess
import sys
from dataclasses import dataclass
from pathlib import Path

from common.cli import UnavailableError

VARIABLE = "PORT_PYTHON"
MODULE = "paconvert.main"
MARK = ">>>>>>"  # before a statement that PaConvert could not translate


@dataclass(frozen=True, kw_only=True)
class Untranslated:
    """A statement that PaConvert left as it was: the line in its output, and its text."""

    file: Path
    line: int
    text: str


def convert(source: Path, target: Path) -> None:
    """Write the translation of a file, or of every file of a folder, to ``target``.

    Raises UnavailableError where PaConvert is not installed, or fails.
    """
    python = os.environ.get(VARIABLE) or sys.executable
    command = [python, "-m", MODULE, "-i", str(source), "-o", str(target), "--log_level", "WARNING"]
    try:
        ended = subprocess.run(command, capture_output=True, text=True, check=False, timeout=600)
    except OSError as error:
        raise UnavailableError(f"{VARIABLE}={python}: {error.strerror}; name a Python") from None
    except subprocess.TimeoutExpired:
        raise UnavailableError(f"PaConvert took more than 600 s on {source}") from None
    if re.search(r"No module named '?paconvert\b", ended.stderr):
        raise UnavailableError(
            f"{python} has no PaConvert; run python -m venv port && port/bin/pip install paconvert, and set "
            f"{VARIABLE}=port/bin/python"
        )
    if ended.returncode or not target.exists():
        said = (ended.stderr or ended.stdout).strip().splitlines() or [f"exit code {ended.returncode}"]
        raise UnavailableError(f"PaConvert failed on {source}: {said[-1]}")


def untranslated(file: Path) -> tuple[str, list[Untranslated]]:
    """A translated file's text without PaConvert's marks, and what they stand before."""
    found, lines = [], file.read_text(encoding="utf-8").splitlines()
    for place, line in enumerate(lines):
        if MARK in line:
            lines[place] = line.replace(MARK, "", 1)
            found.append(Untranslated(file=file, line=place + 1, text=lines[place].strip()))
    return "\n".join(lines) + "\n", found
