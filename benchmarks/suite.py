"""Parity and comparison of many pairs of networks, each kept as it is done, and one page of all.

    python -m benchmarks.suite torchvision --only resnet,mobilenet --phase infer --report suite
    python -m benchmarks.suite pairs.toml --report suite

A file of pairs has a table for each: [NAME] with torch, paddle, input_shape (or input_shapes), num_classes,
map, weights, torch_loss and paddle_loss, output and inputs, or with model. A suite that was stopped goes on
where it was.
"""

import argparse
from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING

from benchmarks.ci.flags import add_ci_flags
from benchmarks.request.flags import add_case_flags, add_language_flag, add_settings_flags, add_step_flags
from benchmarks.request.pairs_file import SHIPPED, read_pairs
from benchmarks.request.request import FEWEST_ROUNDS, Request
from common import cli
from common.cli import UsageError
from common.files import require_folder
from common.flag_values import natural, positive, seconds, shape
from common.language import Language

if TYPE_CHECKING:
    from benchmarks.results.outcome import Outcome
    from benchmarks.results.schema import Comparison

PROGRAM = "benchmarks.suite"


def main(arguments: Sequence[str]) -> int:
    """The command; returns its exit code."""
    options = _parse(arguments)
    requests = read_pairs(options.pairs_of, options, only=options.only)
    require_folder(options.report)
    # Imported here and not above: they take longer than --help may.
    from benchmarks.ci import of_speed
    from benchmarks.ci.publishing import publish
    from benchmarks.measure.many_pairs import measure_pairs
    from benchmarks.report.suite_page import missing, sentences, write_suite

    outcomes: list[Outcome] = []
    how = {"rounds": options.rounds, "pairs": options.pairs, "skip_parity": options.skip_parity}
    say = Language(options.language)
    with cli.noting_on_stop(lambda: _done(say, len(outcomes), len(requests))):
        for outcome in measure_pairs(requests, options.report, **how):
            outcomes.append(outcome)
            write_suite(outcomes, options.report, language=options.language)
            facts = {"done": len(outcomes), "all": len(requests), "line": _line(say, outcome)}
            print(say("{done} of {all} {line}", **facts), flush=True)
    print("\n".join(["", *sentences(outcomes, say), *missing(outcomes, say)]))
    print(say("Written: {path}", path=options.report / "suite.html"))
    summary, found = of_speed.suite_summary(outcomes), of_speed.suite_annotations(outcomes, requests)
    publish(options, summary, found, program=PROGRAM, folder=options.report)
    return _code(outcomes, say)


def _done(say: Language, done: int, every: int) -> str:
    """The note of a suite that is stopped."""
    message = "{done} of {all} pairs are complete; the same command goes on"
    return say(message, done=done, all=every)


def _line(say: Language, outcome: "Outcome") -> str:
    """One line on the outcome of a pair."""
    from benchmarks.results.sentences import translated

    if outcome.report is None:
        reason = translated(outcome.reason or "", say)
        return say("{name}: cannot be had: {reason}", name=outcome.name, reason=reason)
    ratios = [
        f"{row.case} {say(row.verdict)}"
        if row.verdict == "invalid" or not row.ratio
        else f"{row.case} {row.ratio:.3g} {say(row.verdict)}"
        for row in outcome.report.comparisons
    ]
    name = outcome.name if outcome.is_new else say("{name} (kept)", name=outcome.name)
    head = say("{name}: parity {verdict}", name=name, verdict=say(outcome.parity))
    return say.joined([head, *ratios], by="; ")


def _code(outcomes: Sequence["Outcome"], say: Language) -> int:
    """1 if a parity is broken, 3 if something could not be had, 4 if all was disturbed, else 0."""
    from benchmarks.report.exit_code import nothing_valid

    broken = [outcome.name for outcome in outcomes if outcome.parity == "fail"]
    if broken:
        cli.complain(PROGRAM, say("parity is broken in {names}", names=say.joined(broken)))
        return cli.FAILED
    lost = [outcome.name for outcome in outcomes if outcome.report is None or not _measured(outcome)]
    if lost:
        message = "could not be measured: {names}; suite.html says why"
        cli.complain(PROGRAM, say(message, names=say.joined(lost)))
        return cli.UNAVAILABLE
    return nothing_valid(PROGRAM, [row for outcome in outcomes for row in _comparisons(outcome)], say)


def _comparisons(outcome: "Outcome") -> "Sequence[Comparison]":
    return outcome.report.comparisons if outcome.report else ()


def _measured(outcome: "Outcome") -> bool:
    """True if something was, and nothing crashed or hung."""
    rows = outcome.report.results if outcome.report else []
    statuses = {row.status for row in rows}
    return "ok" in statuses and not statuses & {"crashed", "timeout"}


def _parse(arguments: Sequence[str]) -> argparse.Namespace:
    parser = cli.Parser(prog=PROGRAM, description="Compare many pairs of networks, and write one page.")
    parser.add_argument("pairs_of", metavar="PAIRS", help=f"a file, pairs.toml, or {SHIPPED}")
    parser.add_argument(
        "--only",
        type=lambda text: tuple(text.split(",")),
        default=(),
        metavar="WORD,WORD",
        help="those whose names hold one of these words (default: all)",
    )
    parser.add_argument(
        "--report", type=Path, default=Path("suite"), metavar="DIR", help="folder of the page (default suite)"
    )
    add_language_flag(parser, of="of what is printed, and of the page")
    shape_help = "of one image (default: the pair's own, or the network's usual one)"
    parser.add_argument("--input-shape", type=shape, metavar="C,H,W", help=shape_help)
    add_case_flags(parser.add_argument_group("combinations"))
    how = parser.add_argument_group("how")
    how.add_argument("--device", default=Request.device, help="auto, cpu, gpu or gpu:N (default auto)")
    add_settings_flags(how, choices=("equalised", "as-shipped"))
    add_step_flags(how)
    seed = "of weights and images (default 0)"
    how.add_argument("--seed", type=natural, default=Request.seed, metavar="N", help=seed)
    timeout = "seconds that a worker may take for a request (default 600)"
    how.add_argument("--timeout", type=seconds, default=Request.timeout, metavar="S", help=timeout)
    rounds = "rounds of each comparison, each torch, paddle, paddle, torch (default 9)"
    how.add_argument("--rounds", type=positive, default=9, metavar="N", help=rounds)
    pairs = "pairs of workers that share the rounds (default 2)"
    how.add_argument("--pairs", type=positive, default=2, metavar="N", help=pairs)
    skip = "do not prove first that both compute the same"
    how.add_argument("--skip-parity", action="store_true", help=skip)
    add_ci_flags(parser)
    options = parser.parse_args(arguments)
    if options.rounds < FEWEST_ROUNDS:
        raise UsageError(f"--rounds {options.rounds}: an interval needs at least {FEWEST_ROUNDS} rounds")
    return options


if __name__ == "__main__":
    cli.run(main, program=PROGRAM)
