"""Measure one backend.

python -m benchmarks.run --backend paddle --model alexnet
"""

import argparse
from collections.abc import Sequence

from backends import NAMES
from benchmarks.ci.flags import add_ci_flags
from benchmarks.largest import largest
from benchmarks.request.flags import add_flags, add_language_flag
from benchmarks.request.limits import add_limit_flags, read_limits
from benchmarks.request.request import FEWEST_ROUNDS, read_request
from benchmarks.request.service import PHASES as SERVICE_PHASES
from common import cli
from common.cli import UsageError
from common.files import require_writable
from common.flag_values import positive
from common.language import Language

PROGRAM = "benchmarks.run"


def main(arguments: Sequence[str]) -> int:
    """The command; returns its exit code."""
    options = _parse(arguments)
    request = read_request(options)
    limits = read_limits(options, gate="against", cases=request.cases)
    if request.json:
        require_writable(request.json)
    # Imported here and not above: they take longer than --help may.
    from benchmarks.ci import of_speed
    from benchmarks.ci.publishing import publish
    from benchmarks.measure import laps, one_backend, versions
    from benchmarks.report import exit_code, terminal
    from benchmarks.request.images import require_data
    from benchmarks.results import result_file

    require_data(request)
    if request.largest_batch is not None:
        beside = options.against and "--against"
        return largest(PROGRAM, request, [options.backend], beside=beside, say=Language(options.language))
    if options.against:
        report = one_backend.measure_versions(
            request,
            backend=options.backend,
            places=versions.places(
                options.backend, options.against, source=request.sources.get(options.backend, "")
            ),
            there=options.against,
            plan=laps.Plan(rounds=options.rounds, pairs=options.pairs),
            limits=limits,
        )
    else:
        report = one_backend.measure_one(request, backend=options.backend)
    if request.json:
        result_file.write(report, request.json)
    say = Language(options.language)
    print(terminal.run_report(request, report, say))
    printed = versions.sentences(report.against, backend=options.backend, say=say)
    print("\n".join(printed))
    sentences = versions.sentences(report.against, backend=options.backend)  # CI's summary is English
    summary = of_speed.run_summary(report, sentences, backend=options.backend, place=options.against)
    found = of_speed.run_annotations(report, sentences, request, options.backend)
    publish(options, summary, found, program=PROGRAM)
    code = exit_code.judge_against(PROGRAM, report.against, printed, place=options.against, say=say)
    there = [entry.there for entry in report.against if entry.there]
    return code or exit_code.judge(PROGRAM, [*report.results, *there], say=say)


def _parse(arguments: Sequence[str]) -> argparse.Namespace:
    parser = cli.Parser(prog=PROGRAM, description="Measure one backend's throughput.")
    parser.add_argument("--backend", required=True, choices=NAMES, help="the framework to measure")
    add_flags(parser)
    add_language_flag(parser)
    parser.add_argument(
        "--against",
        metavar="PYTHON_OR_CHECKOUT",
        help="another version, measured in turns with this one: another Python, a checkout of this project "
        "or, of a model of your own, of your repository; exit code 1 if this one is slower",
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
    add_limit_flags(parser, gate="--against", default=2.0)
    add_ci_flags(parser)
    options = parser.parse_args(arguments)
    if options.against and options.rounds < FEWEST_ROUNDS:
        raise UsageError(f"--rounds {options.rounds}: an interval needs at least {FEWEST_ROUNDS} rounds")
    in_service = [phase for phase in SERVICE_PHASES if phase in options.phase]
    if options.against and in_service:
        raise UsageError(f"--against does not go with --phase {in_service[0]}; measure each by itself")
    return options


if __name__ == "__main__":
    cli.run(main, program=PROGRAM)
