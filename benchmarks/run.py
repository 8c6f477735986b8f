"""Measure one backend.

python -m benchmarks.run --backend paddle --model alexnet
"""

import argparse
import os
from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING, Any

from backends import NAMES
from benchmarks.arguments import percent, positive
from benchmarks.flags import add_flags
from benchmarks.options import FEWEST_ROUNDS, Request, read_request
from benchmarks.places import Place
from common import cli
from common.cli import UsageError
from common.files import require_writable

if TYPE_CHECKING:
    from benchmarks.results import Report

PROGRAM = "benchmarks.run"


def main(arguments: Sequence[str]) -> int:
    """The command; returns its exit code."""
    options = _parse(arguments)
    request = read_request(options)
    if request.json:
        require_writable(request.json)
    # Imported here and not above: they take longer than --help may.
    from benchmarks import against, result_file, tables, verdict
    from benchmarks.image_list import require_data

    require_data(request)
    report = measure(request, options)
    if request.json:
        result_file.write(report, request.json)
    print(tables.run_report(request, report))
    sentences = against.sentences(report.against, backend=options.backend)
    print("\n".join(sentences))
    slower = [line for line, entry in zip(sentences, report.against, strict=True) if entry.regression]
    if slower:
        cli.complain(PROGRAM, f"against {options.against}: {slower[0]}")
        return cli.FAILED
    there = [entry.there for entry in report.against if entry.there]
    return verdict.judge(PROGRAM, [*report.results, *there])


def measure(request: Request, options: argparse.Namespace) -> "Report":
    """A row for every combination; with ``--against`` in turns with the other version."""
    from benchmarks import against
    from benchmarks.group_session import open_session
    from benchmarks.machine import Watch
    from benchmarks.results import Report
    from benchmarks.scratch import scratch_folder
    from benchmarks.single import measure_all

    backend, there, watch = options.backend, options.against, Watch()
    places = against.places(backend, there) if there else {backend: Place(backend=backend)}
    with scratch_folder() as scratch, open_session(request, scratch=scratch, places=places) as session:
        if there:
            how = {"rounds": options.rounds, "pairs": options.pairs}
            rows, changes = against.measure_against(session, **how, max_regression=options.max_regression)
        else:
            rows, changes = measure_all(session, backend), []
        environment = _environment(session.versions, options) | watch.told()
    return Report(environment=environment, results=rows, against=changes)


def _environment(versions: Mapping[str, Any], options: argparse.Namespace) -> dict[str, Any]:
    from benchmarks.against import HERE, THERE
    from benchmarks.environment import describe

    if not options.against:
        return describe(os.environ, versions)
    here = {options.backend: versions[HERE]} if HERE in versions else {}
    return describe(os.environ, here) | {"against": {"place": options.against, **versions.get(THERE, {})}}


def _parse(arguments: Sequence[str]) -> argparse.Namespace:
    parser = cli.Parser(prog=PROGRAM, description="Measure one backend's throughput.")
    parser.add_argument("--backend", required=True, choices=NAMES)
    add_flags(parser)
    parser.add_argument(
        "--against",
        metavar="PYTHON_OR_CHECKOUT",
        help="another version of the backend or of this project, measured in turns; 1 if here is slower",
    )
    parser.add_argument(
        "--rounds", type=positive, default=32, metavar="N", help="of --against: turns of A B B A (default 32)"
    )
    parser.add_argument(
        "--pairs", type=positive, default=8, metavar="N", help="of --against: of workers (default 8)"
    )
    parser.add_argument(
        "--max-regression",
        type=percent,
        default=2.0,
        metavar="PERCENT",
        help="of --against: allowed even if it is certain (default 2)",
    )
    options = parser.parse_args(arguments)
    if options.against and options.rounds < FEWEST_ROUNDS:
        raise UsageError(f"--rounds {options.rounds}: an interval needs at least {FEWEST_ROUNDS} rounds")
    return options


if __name__ == "__main__":
    cli.run(main, program=PROGRAM)
