"""Does the gate find a slowdown, and leave alone what is as fast as before? Plant one, many times over.

    python -m benchmarks.selfcheck.planted_slowdowns --slower 15 --runs 20             # a stored baseline
    python -m benchmarks.selfcheck.planted_slowdowns --slower 5 --runs 20 --against    # versions in turns

A baseline is measured once, twice as long as a run. Then each run measures two things anew: the same again,
and the same with one backend's steps made longer in its worker. With --against no baseline is stored: each
run has both versions.
Exit code 1 if the slowdown was found, or the unchanged passed, in fewer than 19 of 20 runs.
"""

import argparse
import time
from collections.abc import Callable, Mapping, Sequence
from dataclasses import replace
from typing import TYPE_CHECKING, Any

from backends import NAMES
from benchmarks.request.flags import add_flags
from benchmarks.request.request import Request, read_request
from benchmarks.worker.tasks import Tasks
from common import cli
from common.cli import UsageError
from common.flags import percent, positive

if TYPE_CHECKING:
    from benchmarks.results.schema import CompareReport

PROGRAM = "benchmarks.selfcheck.planted_slowdowns"
SLOWED = {
    5: "benchmarks.selfcheck.planted_slowdowns:Slower5",
    15: "benchmarks.selfcheck.planted_slowdowns:Slower15",
}
ENOUGH = 0.95
STORED = {"rounds": 20, "pairs": 5, "max_regression": 5.0}
AGAINST = {"rounds": 32, "pairs": 8, "max_regression": 2.0}  # the smaller slowdown needs more of both
BASELINE = 2  # times as long as a run: it is measured once, and every run is held against it


def main(arguments: Sequence[str]) -> int:
    """The command; returns its exit code."""
    options = _parse(arguments)
    request = read_request(options)
    before = None if options.against else _compare(request, options, times=BASELINE)
    found: list[bool] = []
    passed: list[bool] = []
    for number in range(options.runs):
        for slower, outcomes in ((False, passed), (True, found)):
            regression, line = _run(request, options, before, slower=slower)
            outcomes.append(regression == slower)
            told = "found" if regression else "no regression"
            what = f"{options.slower} % slower" if slower else "unchanged"
            print(f"run {number + 1}, {what}: {told}: {line}", flush=True)
    print(
        f"{options.slower} % slower in {options.backend}: found in {sum(found)} of {options.runs} runs; "
        f"unchanged: passed {sum(passed)} of {options.runs}"
    )
    return cli.DONE if min(sum(found), sum(passed)) >= ENOUGH * options.runs else cli.FAILED


def _run(
    request: Request, options: argparse.Namespace, before: "CompareReport | None", *, slower: bool
) -> tuple[bool, str]:
    """Verdict of the gate: True for a regression, and its sentence on it."""
    if before is None:
        return _against(request, options, slower=slower)
    from benchmarks.analysis.regression import changes, sentence

    now = _compare(request, options, slower=slower)
    entries = changes(now, before, max_regression=options.max_regression)
    worst = min(entries, key=lambda entry: entry.change)
    return any(entry.regression for entry in entries), sentence(worst)


def _compare(
    request: Request, options: argparse.Namespace, *, slower: bool = False, times: int = 1
) -> "CompareReport":
    from benchmarks.manager.installations import Installation, both_backends
    from benchmarks.manager.scratch import scratch_folder
    from benchmarks.manager.session import Session
    from benchmarks.measure.sweep import Sweep
    from common.cli import progress

    rounds, places = times * options.rounds, both_backends()
    if slower:
        planted = Installation(backend=options.backend, tasks=SLOWED[options.slower])
        places = {**places, options.backend: planted}
    with (
        scratch_folder() as scratch,
        Session(request, scratch=scratch, places=places) as session,
        progress(total=rounds * len(request.cases)) as bar,
    ):
        sweep = Sweep(session, facts={}, folder=None, earlier=None)
        session.start(NAMES)
        precise = None if times > 1 else options.max_regression
        sweep.run(rounds=rounds, processes=times * options.pairs, bar=bar, precise=precise)
        return sweep.report()


def _against(request: Request, options: argparse.Namespace, *, slower: bool) -> tuple[bool, str]:
    from benchmarks.manager.installations import Installation
    from benchmarks.manager.scratch import scratch_folder
    from benchmarks.manager.session import Session
    from benchmarks.measure.versions import HERE, THERE, measure_against, sentences

    tasks = SLOWED[options.slower] if slower else None
    there = Installation(backend=options.backend)
    places = {THERE: there, HERE: Installation(backend=options.backend, tasks=tasks)}
    with scratch_folder() as scratch, Session(request, scratch=scratch, places=places) as session:
        how = {"rounds": options.rounds, "pairs": options.pairs}
        _, changes = measure_against(session, **how, max_regression=options.max_regression)
    told = "; ".join(sentences(changes, backend=options.backend))
    return any(entry.regression for entry in changes), told


def _parse(arguments: Sequence[str]) -> argparse.Namespace:
    parser = cli.Parser(prog=PROGRAM, description="Plant slowdowns and see whether the gate finds them.")
    add_flags(parser, model_required=False)
    parser.add_argument("--backend", choices=NAMES, default="paddle", help="that is slowed (default paddle)")
    parser.add_argument("--slower", type=int, choices=tuple(SLOWED), default=15, help="percent (default 15)")
    parser.add_argument("--against", action="store_true", help="both versions in turns, and no baseline")
    parser.add_argument("--runs", type=positive, default=20, metavar="N", help="of each (default 20)")
    parser.add_argument(
        "--rounds", type=positive, metavar="N", help="of a run (default 20; 32 with --against)"
    )
    parser.add_argument(
        "--pairs", type=positive, metavar="N", help="of processes, of a run (default 5; 8 with --against)"
    )
    parser.add_argument(
        "--max-regression", type=percent, metavar="PERCENT", help="default 5; 2 with --against"
    )
    parser.set_defaults(phase=("infer",), model="alexnet", device="cpu")
    options = parser.parse_args(arguments)
    if options.settings == "tuned":
        raise UsageError("--settings tuned may choose otherwise each time; name an engine instead")
    for name, value in (AGAINST if options.against else STORED).items():
        if getattr(options, name) is None:
            setattr(options, name, value)
    return options


class SlowedTasks(Tasks):
    """A worker's tasks; every part of a step then takes ``PART`` longer, computing nothing."""

    PART = 0.0

    def prepare(self, spec: Mapping[str, Any]) -> dict[str, Any]:
        """See Tasks."""
        facts = super().prepare(spec)
        job = self._require_job()
        parts = {name: self._slowed(part, job.timeline.synchronize) for name, part in job.parts.items()}
        self.job = replace(job, parts=parts)
        return facts

    def _slowed(self, part: Callable[[], object], wait: Callable[[], None]) -> Callable[[], None]:
        def slowed() -> None:
            start = time.perf_counter()
            part()
            wait()  # a GPU has only been told to begin
            end = time.perf_counter()
            until = end + self.PART * (end - start)
            while time.perf_counter() < until:
                pass

        return slowed


class Slower5(SlowedTasks):
    """By 5 %."""

    PART = 0.05


class Slower15(SlowedTasks):
    """By 15 %."""

    PART = 0.15


if __name__ == "__main__":
    cli.run(main, program=PROGRAM)
