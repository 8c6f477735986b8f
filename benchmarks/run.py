"""Measure one backend.

python -m benchmarks.run --backend paddle --model alexnet
"""

import argparse
from collections.abc import Sequence

from backends import NAMES
from benchmarks.largest import largest
from benchmarks.request.flags import add_flags
from benchmarks.request.request import FEWEST_ROUNDS, read_request
from common import cli
from common.cli import UsageError
from common.files import require_writable
from common.flag_values import percent, positive

PROGRAM = "benchmarks.run"


def main(arguments: Sequence[str]) -> int:
    """The command; returns its exit code."""
    options = _parse(arguments)
    request = read_request(options)
    if request.json:
        require_writable(request.json)
    # Imported here and not above: they take longer than --help may.
    from benchmarks.measure import laps, one_backend, versions
    from benchmarks.report import exit_code, terminal
    from benchmarks.request.images import require_data
    from benchmarks.results import result_file

    require_data(request)
    if request.largest_batch is not None:
        return largest(PROGRAM, request, [options.backend], beside=options.against and "--against")
    if options.against:
        report = one_backend.measure_versions(
            request,
            backend=options.backend,
            places=versions.places(options.backend, options.against),
            there=options.against,
            plan=laps.Plan(rounds=options.rounds, pairs=options.pairs),
            max_regression=options.max_regression,
        )
    else:
        report = one_backend.measure_one(request, backend=options.backend)
    if request.json:
        result_file.write(report, request.json)
    print(terminal.run_report(request, report))
    sentences = versions.sentences(report.against, backend=options.backend)
    print("\n".join(sentences))
    code = exit_code.judge_against(PROGRAM, report.against, sentences, place=options.against)
    there = [entry.there for entry in report.against if entry.there]
    return code or exit_code.judge(PROGRAM, [*report.results, *there])


def _parse(arguments: Sequence[str]) -> argparse.Namespace:
    parser = cli.Parser(prog=PROGRAM, description="Measure one backend's throughput.")
    parser.add_argument("--backend", required=True, choices=NAMES, help="the framework to measure")
    add_flags(parser)
    parser.add_argument(
        "--against",
        metavar="PYTHON_OR_CHECKOUT",
        help="another version of the backend or of this project, measured in turns with this one; exit code "
        "1 if this one is slower",
    )
    parser.add_argument(
        "--rounds",
        type=positive,
        default=32,
        metavar="N",
        help="rounds of --against, each A B B A (default 32)",
    )
    parser.add_argument(
        "--pairs", type=positive, default=8, metavar="N", help="pairs of workers of --against (default 8)"
    )
    parser.add_argument(
        "--max-regression",
        type=percent,
        default=2.0,
        metavar="PERCENT",
        help="slowdown that --against allows (default 2)",
    )
    options = parser.parse_args(arguments)
    if options.against and options.rounds < FEWEST_ROUNDS:
        raise UsageError(f"--rounds {options.rounds}: an interval needs at least {FEWEST_ROUNDS} rounds")
    return options


if __name__ == "__main__":
    cli.run(main, program=PROGRAM)
