"""Measure both backends side by side, after proof that they compute the same.

python -m benchmarks.compare --model alexnet
"""

import argparse
from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING

from backends import NAMES
from benchmarks.ci.flags import add_ci_flags
from benchmarks.largest import largest
from benchmarks.request.flags import add_flags, add_language_flag
from benchmarks.request.limits import Limits, add_limit_flags, read_limits
from benchmarks.request.request import DEFAULT_MARGIN, FEWEST_ROUNDS, Request, read_request
from common import cli
from common.cli import Group, UsageError
from common.files import require_folder, require_writable
from common.flag_values import number, percent, positive
from common.language import Language

if TYPE_CHECKING:
    from benchmarks.measure.laps import Plan
    from benchmarks.results.schema import CompareReport

PROGRAM = "benchmarks.compare"
DEFAULTS = {"batch_size": (8,), "rounds": 24, "pairs": 6}
# compiled would take longer than both others: 8 minutes of 16 on 2 cores, most of them to compile
SWEEP = {"batch_size": (1, 8, 32), "engine": ("eager", "deploy"), "rounds": 8, "pairs": 4}
MAX_MINUTES = 20.0  # of --precise


def main(arguments: Sequence[str]) -> int:
    """The command; returns its exit code."""
    options = _parse(arguments)
    request = read_request(options)
    limits = read_limits(options, gate="baseline", cases=request.cases)
    if request.json:
        require_writable(request.json)
    if request.largest_batch is not None:
        others = {"--report": options.report, "--baseline": options.baseline, "--curves": options.curves}
        beside = next((flag for flag, on in others.items() if on), None)
        return largest(PROGRAM, request, NAMES, beside=beside, say=Language(options.language))
    # Imported here and not above: they take longer than --help may.
    from benchmarks.ci import of_speed
    from benchmarks.ci.publishing import publish
    from benchmarks.report import exit_code
    from benchmarks.request.images import require_data

    # What can be wrong with the files is found before minutes are spent on measuring.
    require_data(request)
    report, say = _compared(options, request, limits), Language(options.language)
    if options.report:
        print(say("Written: {path}", path=options.report / "report.html"))
    summary, found = of_speed.comparison_summary(report), of_speed.comparison_annotations(report, request)
    publish(options, summary, found, program=PROGRAM, folder=options.report)
    return exit_code.judge_comparison(PROGRAM, report, before=options.baseline, say=say)


def _compared(options: argparse.Namespace, request: Request, limits: Limits) -> "CompareReport":
    """Measure, hold against the baseline where there is one, write and print."""
    from benchmarks.analysis import regression
    from benchmarks.measure.both_backends import measure_both
    from benchmarks.measure.keeping import kept_results
    from benchmarks.report import terminal
    from benchmarks.report.page import write_pages
    from benchmarks.results import result_file
    from benchmarks.results.training_curves import read_curves

    curves = read_curves(options.curves)
    before = _read_baseline(options.baseline, request) if options.baseline else None
    say = Language(options.language)
    with kept_results(options.report, say) as folder:
        report = measure_both(
            request,
            plan=_plan(options, resolve=limits.strictest(request.cases) if before is not None else None),
            margin=options.margin,
            skip_parity=options.skip_parity,
            folder=folder,
        )
        report.curves = curves
        if before is not None:
            report.regressions = regression.changes(report, before, limits=limits)
        # Results are written before anything is drawn or judged.
        if request.json:
            result_file.write(report, request.json)
        if options.report:
            write_pages(report, options.report, language=options.language)
        print(terminal.comparison_text(request, report, say))
    return report


def _read_baseline(path: Path, request: Request) -> "CompareReport":
    """An earlier result.

    Raises UsageError if it is of another machine, or of something else than is asked for.
    """
    from benchmarks.manager.environment import require_same_machine
    from benchmarks.measure.resume import require_same_request
    from benchmarks.results.result_file import read

    before = read(path)
    require_same_machine(before.environment, path, device=request.device)
    require_same_request(before, request, path)
    return before


def _plan(options: argparse.Namespace, *, resolve: float | None) -> "Plan":
    """How much is measured; ``resolve``: a slowdown, in percent, that has to show."""
    from benchmarks.measure.laps import Plan

    return Plan(
        rounds=options.rounds,
        pairs=options.pairs,
        precise=options.precise,
        resolve=resolve,
        max_minutes=options.max_minutes,
        cold_starts=True,
    )


def _parse(arguments: Sequence[str]) -> argparse.Namespace:
    options = _parser().parse_args(arguments)
    for name, value in (SWEEP if options.sweep else DEFAULTS).items():
        if getattr(options, name) is None:
            setattr(options, name, value)
    if options.rounds < FEWEST_ROUNDS:
        raise UsageError(f"--rounds {options.rounds}: an interval needs at least {FEWEST_ROUNDS} rounds")
    if options.precise == 0:
        raise UsageError("--precise 0: no ratio is ever known so well; give a percentage above 0")
    if options.max_minutes is not None and options.precise is None:
        raise UsageError("--max-minutes: limits --precise; give that too, or fewer --rounds and --pairs")
    if options.precise is not None and options.max_minutes is None:
        options.max_minutes = MAX_MINUTES
    if options.report:
        require_folder(options.report)
    return options


def _parser() -> cli.Parser:
    parser = cli.Parser(prog=PROGRAM, description="Measure both backends side by side.")
    add_flags(parser)
    add_language_flag(parser, of="of what is printed, and of the page")
    parser.set_defaults(batch_size=None)
    parser.add_argument(
        "--sweep",
        action="store_true",
        help="batch sizes 1, 8, 32 and engines eager, deploy, unless --batch-size and --engine say otherwise",
    )
    rounds = "rounds, each torch, paddle, paddle, torch (default 24; with --sweep 8)"
    parser.add_argument("--rounds", type=int, metavar="N", help=rounds)
    pairs = "pairs of workers that share the rounds (default 6; with --sweep 4)"
    parser.add_argument("--pairs", type=positive, metavar="N", help=pairs)
    precise = "go on with more pairs until each true ratio is known to ± so many percent"
    parser.add_argument("--precise", type=percent, metavar="PERCENT", help=precise)
    minutes = "with --precise: begin no further pair after so many minutes of measuring (default 20)"
    parser.add_argument(
        "--max-minutes", type=number(float, above=0, what="a number of minutes"), metavar="M", help=minutes
    )
    margin = "two sides whose ratio is within ± so many percent are equal (default 5)"
    parser.add_argument("--margin", type=percent, default=DEFAULT_MARGIN, metavar="PERCENT", help=margin)
    skip = "do not prove first that both compute the same"
    parser.add_argument("--skip-parity", action="store_true", help=skip)
    _add_report_flags(parser.add_argument_group("report and gate"))
    add_ci_flags(parser)
    return parser


def _add_report_flags(group: Group) -> None:
    """Flags of the pages, and of an earlier result."""
    group.add_argument(
        "--report",
        type=Path,
        metavar="DIR",
        help="write report.html, report.md, result.json; results that lie there are not measured again",
    )
    curves = "runs of backends.train, shown in the report"
    group.add_argument("--curves", type=Path, nargs="+", default=[], metavar="DIR", help=curves)
    baseline = "an earlier result to compare with; exit code 1 if slower, 4 if that might not show"
    group.add_argument("--baseline", type=Path, metavar="FILE", help=baseline)
    add_limit_flags(group, gate="--baseline", default=5.0)


if __name__ == "__main__":
    cli.run(main, program=PROGRAM)
