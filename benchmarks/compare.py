"""Measure both backends side by side, after proof that they compute the same.

python -m benchmarks.compare --model alexnet
"""

import argparse
import os
from collections.abc import Sequence
from typing import TYPE_CHECKING, Any

from backends import NAMES
from benchmarks.options import Request, add_flags, add_later_flags, read_request, refuse_later_flags
from common import cli
from common.cli import UsageError
from common.files import require_writable

if TYPE_CHECKING:
    from pathlib import Path

    from benchmarks.results import CompareReport
    from benchmarks.session import Session

PROGRAM = "benchmarks.compare"
FEWEST_ROUNDS = 4  # an interval from fewer rounds would be a guess
LATER = ("--report", "--baseline", "--max-regression")  # flags of the interface that are not built yet


def main(arguments: Sequence[str]) -> int:
    """The command; returns its exit code."""
    options = _parse(arguments)
    request = read_request(options)
    if request.json:
        require_writable(request.json)
    # Imported here and not above: they take longer than --help may.
    from benchmarks import results, tables, verdict
    from benchmarks.session import require_data

    require_data(request)
    report = measure(request, rounds=options.rounds, skip_parity=options.skip_parity)
    if request.json:
        results.write(report, request.json)
    print(tables.compare_report(request, report))
    if report.parity and report.parity["verdict"] == "fail":
        cli.complain(PROGRAM, tables.parity_failure(report.parity))
        return cli.FAILED
    return verdict.judge(PROGRAM, report.results, report.comparisons)


def measure(request: Request, *, rounds: int, skip_parity: bool) -> "CompareReport":
    """Check parity, then time every combination; nothing is timed where parity is broken."""
    from benchmarks import results
    from benchmarks.alternation import Alternation
    from benchmarks.environment import describe
    from benchmarks.processes import WorkerFailure
    from benchmarks.progress import progress
    from benchmarks.scratch import scratch_folder
    from benchmarks.session import Session

    parity = None
    with (
        scratch_folder() as scratch,
        Session(request, scratch=scratch) as session,
        progress(total=rounds * len(request.cases)) as bar,
    ):
        pairs = [Alternation(session, case) for case in request.cases]
        try:
            if not skip_parity and any(case.phase != "data" for case in request.cases):
                bar.set_description("parity in float64")
                parity = _gate(session, scratch)
            session.start(NAMES)  # afresh: whoever measures has done nothing else
        except WorkerFailure as failure:
            for pair in pairs:
                pair.failures[failure.backend] = failure
        else:
            if parity is not None and parity["verdict"] != "pass":
                pairs = []
            for pair in pairs:
                bar.set_description(str(pair.case))
                pair.run(rounds=rounds, after_round=bar.update)
        return results.CompareReport(
            environment=describe(os.environ, session.versions),
            results=[row for pair in pairs for row in pair.rows()],
            parity=parity,
            comparisons=[pair.comparison() for pair in pairs],
            best=results.best_of_each(row for pair in pairs for row in pair.rows()),
        )


def _gate(session: "Session", scratch: "Path") -> dict[str, Any]:
    from benchmarks.parity.engine import run_gate

    session.start(NAMES)
    sides = [session.worker(name) for name in NAMES]
    return run_gate(*sides, subject=session.subject, scratch=scratch)


def _parse(arguments: Sequence[str]) -> argparse.Namespace:
    parser = cli.Parser(prog=PROGRAM, description="Measure both backends side by side.")
    add_flags(parser)
    parser.add_argument("--rounds", type=int, default=12, metavar="N", help="turns of A B B A (default 12)")
    parser.add_argument(
        "--skip-parity", action="store_true", help="do not prove first that both compute the same"
    )
    add_later_flags(parser, LATER)
    options = parser.parse_args(arguments)
    if options.rounds < FEWEST_ROUNDS:
        raise UsageError(f"--rounds {options.rounds}: an interval needs at least {FEWEST_ROUNDS} rounds")
    refuse_later_flags(options, LATER)
    return options


if __name__ == "__main__":
    cli.run(main, program=PROGRAM)
