"""The same command on the other framework, in a process of its own: its logits come back in a file."""

import argparse
import os
import subprocess
import sys
import tempfile
from collections.abc import Sequence
from pathlib import Path

import numpy as np

from backends.inference.agreement import SideLogits
from backends.inference.flags import other_of
from backends.launch import FIRST, MARK
from common.cli import WRONG_REQUEST, UnavailableError, UsageError
from common.runtime.own_command import own_command
from common.weights import safetensors_file


def other_side(program: str, arguments: Sequence[str], options: argparse.Namespace) -> SideLogits:
    """Logits of the other framework for the same flags. Raises what it ended with, in its words."""
    backend = other_of(options.backend)
    with tempfile.TemporaryDirectory() as folder:
        target = Path(folder) / "logits.safetensors"
        more = ["--backend", backend, "--logits-only", str(target)]
        if options.other_checkpoint is not None:
            more += ["--checkpoint", str(options.other_checkpoint)]
        code, complaint = run_program(program, with_flags(arguments, more))
        if not target.exists():
            error = UsageError if code == WRONG_REQUEST else UnavailableError
            raise error(f"--both: {backend}: {complaint or f'ended with exit code {code}'}")
        return SideLogits(**safetensors_file.load(target))


def write_side(side: SideLogits, path: Path) -> None:
    """Write what the command was asked for as the other side."""
    logits = side.logits.astype(np.float32)
    safetensors_file.save(path, {"logits": logits, "places": side.places, "digest": side.digest})


def with_flags(arguments: Sequence[str], more: Sequence[str]) -> list[str]:
    """The arguments without ``--both``, and more flags, which replace those given before."""
    kept = [argument for argument in arguments if argument != "--both"]
    end = kept.index("--") if "--" in kept else len(kept)
    kept = [*kept[:end], *more, *kept[end:]]
    return kept


def run_program(program: str, arguments: Sequence[str]) -> tuple[int, str]:
    """Run a command in the interpreter that the user started; its exit code, and its last line on stderr."""
    first = os.environ.get(FIRST, sys.executable)
    inner = {name: value for name, value in os.environ.items() if name not in (FIRST, MARK)}
    done = subprocess.run(
        own_command(first, program, arguments),
        env=inner,
        stdout=subprocess.DEVNULL,
        stderr=subprocess.PIPE,
        text=True,
        errors="replace",
        check=False,
    )
    lines = done.stderr.strip().splitlines()
    return done.returncode, lines[-1].removeprefix(f"{program}: ") if lines else ""
