"""Measure one backend.

python -m benchmarks.run --backend paddle --model alexnet
"""

import argparse
import os
from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING, Any

from backends import NAMES
from benchmarks.manager.installations import Installation
from benchmarks.request.flags import add_flags
from benchmarks.request.request import FEWEST_ROUNDS, Request, read_request
from common import cli
from common.cli import UsageError
from common.files import require_writable
from common.flags import percent, positive

if TYPE_CHECKING:
    from benchmarks.results.schema import Report

PROGRAM = "benchmarks.run"


def main(arguments: Sequence[str]) -> int:
    """The command; returns its exit code."""
    options = _parse(arguments)
    request = read_request(options)
    if request.json:
        require_writable(request.json)
    # Imported here and not above: they take longer than --help may.
    from benchmarks.measure import versions
    from benchmarks.report import terminal
    from benchmarks.request.request import require_data
    from benchmarks.results import exit_code, result_file

    require_data(request)
    report = measure(request, options)
    if request.json:
        result_file.write(report, request.json)
    print(terminal.run_report(request, report))
    sentences = versions.sentences(report.against, backend=options.backend)
    print("\n".join(sentences))
    slower = [line for line, entry in zip(sentences, report.against, strict=True) if entry.regression]
    if slower:
        cli.complain(PROGRAM, f"against {options.against}: {slower[0]}")
        return cli.FAILED
    there = [entry.there for entry in report.against if entry.there]
    return exit_code.judge(PROGRAM, [*report.results, *there])


def measure(request: Request, options: argparse.Namespace) -> "Report":
    """A row for every combination; with ``--against`` in turns with the other version."""
    from benchmarks.manager.group_session import open_session
    from benchmarks.manager.scratch import scratch_folder
    from benchmarks.measure import versions
    from benchmarks.measure.machine_load import MachineLoad
    from benchmarks.measure.sweep import measure_all
    from benchmarks.results.schema import Report

    backend, there, watch = options.backend, options.against, MachineLoad()
    places = versions.places(backend, there) if there else {backend: Installation(backend=backend)}
    with scratch_folder() as scratch, open_session(request, scratch=scratch, places=places) as session:
        if there:
            how = {"rounds": options.rounds, "pairs": options.pairs}
            rows, changes = versions.measure_against(session, **how, max_regression=options.max_regression)
        else:
            rows, changes = measure_all(session, backend), []
        environment = _environment(session.versions, options) | watch.told()
    return Report(environment=environment, results=rows, against=changes)


def _environment(versions: Mapping[str, Any], options: argparse.Namespace) -> dict[str, Any]:
    from benchmarks.manager.environment import describe
    from benchmarks.measure.versions import HERE, THERE

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
