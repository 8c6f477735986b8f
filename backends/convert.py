"""Weights from one framework's file to another's: python -m backends.convert SOURCE TARGET --model MODEL."""

import argparse
import importlib.util
import sys
from collections.abc import Sequence
from pathlib import Path

from backends import NAMES, interpreter
from backends.inference.flags import add_checkpoint_flags
from backends.launch import in_own_interpreter
from common import cli
from common.cli import UnavailableError, UsageError
from common.files import require_writable

PROGRAM = "backends.convert"
SUFFIXES = {".pth": "torch", ".pt": "torch", ".pdparams": "paddle", ".safetensors": None}


def main(arguments: Sequence[str]) -> int:
    """The command; returns its exit code."""
    options = _parse(arguments)
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
    return parser.parse_args(arguments)


if __name__ == "__main__":
    cli.run(main, program=PROGRAM)
