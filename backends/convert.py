"""Weights from one framework's file to another's: python -m backends.convert SOURCE TARGET --model MODEL."""

import argparse
import importlib.util
import os
import sys
from collections.abc import Sequence
from pathlib import Path

from backends import NAMES, interpreter
from backends.inference.flags import add_checkpoint_flags
from backends.launch import in_own_interpreter
from common import cli
from common.cli import UnavailableError, UsageError
from common.files import require_writable
from common.runtime.own_command import own_command

PROGRAM = "backends.convert"
SUFFIXES = {".pth": "torch", ".pt": "torch", ".pdparams": "paddle", ".safetensors": None}


def main(arguments: Sequence[str]) -> int:
    """The command; returns its exit code."""
    options = _parse(arguments)
    if options.torch or options.paddle:
        _hand_over(arguments)
    target: Path = options.target
    if target.suffix not in SUFFIXES:
        raise UsageError(f"{target}: the name must end in one of {', '.join(SUFFIXES)}")
    require_writable(target)
    name = SUFFIXES[target.suffix] or _any_backend()
    in_own_interpreter(name, PROGRAM, arguments)
    # Imported here and not above: they take longer than --help may.
    from backends.inference.checkpoints import open_checkpoint
    from backends.inference.conversion import convert

    opened = open_checkpoint(options.source, options)
    count = convert(opened, target, backend_name=name)
    for remark in opened.remarks():
        cli.complain(PROGRAM, remark)
    print(f"{opened.weights.source} -> {target}: {opened.subject.model}, {count} arrays")
    return cli.DONE


def _hand_over(arguments: Sequence[str]) -> None:
    """Go on as benchmarks.convert: a pair of the user's own needs both frameworks, each in its worker."""
    sys.stdout.flush()
    command = own_command(sys.executable, "benchmarks.convert", arguments)
    os.execv(sys.executable, command)  # noqa: S606 (no shell is wanted)


def _any_backend() -> str:
    """One that is installed: it knows the model's shapes, and any will do."""
    for name in NAMES:
        if importlib.util.find_spec(name) is not None or interpreter(name) != sys.executable:
            return name
    raise UnavailableError(f"neither {' nor '.join(NAMES)} is installed; install one of them")


def _parse(arguments: Sequence[str]) -> argparse.Namespace:
    parser = cli.Parser(
        prog=PROGRAM,
        description="Convert weights between .pth or .pt (torch), .pdparams (paddle) and .safetensors.",
    )
    parser.add_argument("source", type=Path, metavar="SOURCE", help="a file, or the folder of a run")
    parser.add_argument(
        "target", type=Path, metavar="TARGET", help="output file; its suffix selects the format"
    )
    add_checkpoint_flags(parser)
    own = parser.add_argument_group("weights of a pair of your own, with proof (see benchmarks.convert)")
    for name in NAMES:
        own.add_argument(f"--{name}", metavar="M:C", help=f"MODULE:CALLABLE: () -> a {name} model")
    own.add_argument("--input-shape", metavar="C,H,W", help="of one image, for the proof")
    own.add_argument("--seed", metavar="N", help="of the images (default 0)")
    own.add_argument("--timeout", metavar="S", help="seconds that a worker may take (default 600)")
    return parser.parse_args(arguments)


if __name__ == "__main__":
    cli.run(main, program=PROGRAM)
