"""Do both frameworks compute the same? float64 on the CPU decides.

    python -m benchmarks.parity --model lenet5

Both sides get equal weights and images; logits, loss and every gradient are compared. A tensor passes
if the sides are at most 1e-12 of its length apart (relative L2). A larger gap that comes from a constant
which paddle keeps in float32 passes only if torch, given the same rounded constant, agrees to 1e-12.
"""

import argparse
import os
from collections.abc import Sequence
from typing import Any

from backends import NAMES
from benchmarks.arguments import positive
from benchmarks.options import add_later_flags, add_subject_flags, read_size, refuse_later_flags
from common import cli
from common.cli import UnavailableError
from common.files import require_writable
from common.threads import available_cores

PROGRAM = "benchmarks.parity"
LATER = ("--torch", "--paddle", "--map", "--steps", "--optimizer", "--device")  # not built yet


def main(arguments: Sequence[str]) -> int:
    """The command; returns its exit code."""
    options = _parse(arguments)
    if options.json:
        require_writable(options.json)
    # Imported here and not above: they take longer than --help may.
    from benchmarks import results, tables

    report = check(options)
    if options.json:
        results.write(report, options.json)
    print("\n".join(tables.parity_lines(report)))
    if report["verdict"] == "fail":
        cli.complain(PROGRAM, tables.parity_failure(report))
        return cli.FAILED
    return cli.DONE


def check(options: argparse.Namespace) -> dict[str, Any]:
    """Run the gate on two workers; returns what ``--json`` writes."""
    from benchmarks.environment import describe
    from benchmarks.gate import Subject, run_gate
    from benchmarks.processes import Worker, WorkerFailure
    from benchmarks.results import SCHEMA_VERSION
    from benchmarks.scratch import scratch_folder

    num_classes, input_shape = read_size(options)
    subject = Subject(
        model=options.model,
        num_classes=num_classes,
        input_shape=input_shape,
        seed=options.seed,
        batch_size=options.batch_size,
    )
    settings: dict[str, Any] = {"threads": available_cores(), "timeout": options.timeout}
    try:
        with (
            scratch_folder() as scratch,
            Worker("torch", scratch=scratch, **settings) as torch_side,
            Worker("paddle", scratch=scratch, **settings) as paddle_side,
        ):
            sides = (torch_side, paddle_side)
            versions = {name: side.ask("versions") for name, side in zip(NAMES, sides, strict=True)}
            parity = run_gate(*sides, subject=subject, scratch=scratch)
    except WorkerFailure as failure:
        raise UnavailableError(f"{failure.backend}: {failure.status}: {failure.reason}") from None
    return {"schema_version": SCHEMA_VERSION, **parity, "environment": describe(os.environ, versions)}


def _parse(arguments: Sequence[str]) -> argparse.Namespace:
    parser = cli.Parser(prog=PROGRAM, description="Compare what both frameworks compute.")
    add_subject_flags(parser)
    parser.add_argument("--batch-size", type=positive, default=2, metavar="N", help="default 2")
    add_later_flags(parser, LATER)
    options = parser.parse_args(arguments)
    refuse_later_flags(options, LATER)
    return options


if __name__ == "__main__":
    cli.run(main, program=PROGRAM)
