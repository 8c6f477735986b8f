"""Does the gate find a slowdown, and leave alone what is as fast as before? Plant one, many times over.

    python -m benchmarks.selfcheck.planted_slowdowns --slower 15 --runs 20             # a stored baseline
    python -m benchmarks.selfcheck.planted_slowdowns --slower 5 --runs 20 --against    # versions in turns

A baseline is measured once, twice as long as a run. Then each run measures two things anew: the same again,
and the same with one backend's steps made longer in its worker. With --against no baseline is stored: each
run has both versions.
Exit code 1 if the slowdown was found, or the unchanged passed, in fewer than 19 of 20 runs; 4 if that is so
only because the gate could not decide, or the machine was too busy.
"""

import argparse
from collections.abc import Sequence
from typing import TYPE_CHECKING

from backends import NAMES
from benchmarks.request.flags import add_case_flags, add_settings_flags, add_step_flags
from benchmarks.request.model_flags import add_model_flags
from benchmarks.request.request import Request, read_request
from common import cli
from common.flag_values import percent, positive

if TYPE_CHECKING:
    from benchmarks.results.schema import Against, Change, CompareReport

PROGRAM = "benchmarks.selfcheck.planted_slowdowns"
SLOWED = {
    5: "benchmarks.selfcheck.slowed_tasks:Slower5",
    15: "benchmarks.selfcheck.slowed_tasks:Slower15",
}
FOUND, PASSED, UNDECIDED = "found", "no regression", "undecided"
ENOUGH = 0.95
STORED = {"rounds": 20, "pairs": 5, "max_regression": 5.0}
AGAINST = {"rounds": 32, "pairs": 8, "max_regression": 2.0}  # the smaller slowdown needs more of both
BASELINE = 2  # times as long as a run: it is measured once, and every run is held against it


def main(arguments: Sequence[str]) -> int:
    """The command; returns its exit code."""
    options = _parse(arguments)
    request = read_request(options)
    before = None if options.against else _compare(request, options, times=BASELINE)
    outcomes: dict[bool, list[str]] = {False: [], True: []}
    for number in range(options.runs):
        for slower in (False, True):
            outcome, line = _run(request, options, before, slower=slower)
            outcomes[slower].append(outcome)
            what = f"{options.slower} % slower" if slower else "unchanged"
            print(f"run {number + 1}, {what}: {outcome}: {line}", flush=True)
    found, passed = outcomes[True].count(FOUND), outcomes[False].count(PASSED)
    undecided = [each.count(UNDECIDED) for each in (outcomes[True], outcomes[False])]
    print(
        f"{options.slower} % slower in {options.backend}: found in {found} of {options.runs} runs; "
        f"unchanged: passed {passed} of {options.runs}; undecided: {undecided[0]} and {undecided[1]}"
    )
    enough = ENOUGH * options.runs
    if min(found, passed) >= enough:
        return cli.DONE
    could = min(found + undecided[0], passed + undecided[1]) >= enough
    return cli.UNDECIDED if could else cli.FAILED


def _run(
    request: Request, options: argparse.Namespace, before: "CompareReport | None", *, slower: bool
) -> tuple[str, str]:
    """Verdict of the gate, and its sentence on it."""
    if before is None:
        return _against(request, options, slower=slower)
    from benchmarks.analysis.regression import changes, sentence
    from benchmarks.request.limits import Limits

    now = _compare(request, options, slower=slower)
    entries = changes(now, before, limits=Limits(default=options.max_regression))
    compared = [entry for entry in entries if entry.change is not None]
    worst = min(compared, key=lambda entry: entry.change, default=None)
    return _outcome(entries), sentence(worst) if worst else "nothing could be compared"


def _outcome(entries: "Sequence[Change] | Sequence[Against]") -> str:
    """A regression counts first; what would not show, or was not compared, is undecided, never passed."""
    if any(entry.regression for entry in entries):
        return FOUND
    unknown = not entries or any(entry.undecided or entry.change is None for entry in entries)
    return UNDECIDED if unknown else PASSED


def _compare(
    request: Request, options: argparse.Namespace, *, slower: bool = False, times: int = 1
) -> "CompareReport":
    from benchmarks.manager.installations import Installation, both_backends
    from benchmarks.measure.both_backends import measure_both
    from benchmarks.measure.laps import Plan

    places = both_backends()
    if slower:
        planted = Installation(backend=options.backend, tasks=SLOWED[options.slower])
        places = {**places, options.backend: planted}
    plan = Plan(
        rounds=times * options.rounds,
        pairs=times * options.pairs,
        resolve=None if times > 1 else options.max_regression,
    )
    return measure_both(request, plan=plan, skip_parity=True, places=places)


def _against(request: Request, options: argparse.Namespace, *, slower: bool) -> tuple[str, str]:
    from benchmarks.manager.installations import Installation
    from benchmarks.measure.laps import Plan
    from benchmarks.measure.one_backend import measure_versions
    from benchmarks.measure.versions import HERE, THERE, sentences
    from benchmarks.request.limits import Limits

    tasks = SLOWED[options.slower] if slower else None
    there = Installation(backend=options.backend)
    report = measure_versions(
        request,
        backend=options.backend,
        places={THERE: there, HERE: Installation(backend=options.backend, tasks=tasks)},
        there="unchanged",
        plan=Plan(rounds=options.rounds, pairs=options.pairs),
        limits=Limits(default=options.max_regression),
    )
    lines = "; ".join(sentences(report.against, backend=options.backend))
    return _outcome(report.against), lines


def _parse(arguments: Sequence[str]) -> argparse.Namespace:
    parser = cli.Parser(prog=PROGRAM, description="Plant slowdowns and see whether the gate finds them.")
    add_model_flags(parser, own=False)
    add_case_flags(parser.add_argument_group("combinations"))
    how = parser.add_argument_group("how")
    how.add_argument("--device", help="auto, cpu, gpu or gpu:N (default cpu)")
    add_settings_flags(how, choices=("equalised", "as-shipped"))
    add_step_flags(how)
    parser.add_argument(
        "--backend", choices=NAMES, default="paddle", help="the backend to slow down (default paddle)"
    )
    parser.add_argument(
        "--slower", type=int, choices=tuple(SLOWED), default=15, help="by how many percent (default 15)"
    )
    parser.add_argument(
        "--against", action="store_true", help="measure both versions in turns instead of storing a baseline"
    )
    parser.add_argument(
        "--runs",
        type=positive,
        default=20,
        metavar="N",
        help="runs with and without the slowdown (default 20 each)",
    )
    parser.add_argument(
        "--rounds",
        type=positive,
        metavar="N",
        help="turns of A B B A in a run (default 20; 32 with --against)",
    )
    parser.add_argument(
        "--pairs", type=positive, metavar="N", help="pairs of workers in a run (default 5; 8 with --against)"
    )
    parser.add_argument(
        "--max-regression",
        type=percent,
        metavar="PERCENT",
        help="slowdown that the gate allows (default 5; 2 with --against)",
    )
    parser.set_defaults(phase=("infer",), model="alexnet", device="cpu")
    options = parser.parse_args(arguments)
    for name, value in (AGAINST if options.against else STORED).items():
        if getattr(options, name) is None:
            setattr(options, name, value)
    return options


if __name__ == "__main__":
    cli.run(main, program=PROGRAM)
