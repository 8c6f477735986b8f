"""Does the harness reach what a loop written by hand reaches? Its best against such loops, in turns.

    python -m benchmarks.selfcheck.reference_loops --backend paddle --model alexnet --batch-size 32
    python -m benchmarks.selfcheck.reference_loops --backend torch --model alexnet --batch-size 32

paddle's deploy engine is held against paddle.inference with oneDNN, set up as its documentation does it;
what --settings tuned chooses of torch against channels_last, torch.compile and bf16 (--max-error is such that
bf16 may be chosen). All of it runs in one worker: harness and loop alternate in short blocks, and the median
ratio of neighbouring blocks is printed. Exit code 1 if the harness has under 95 % of the fastest loop.
"""

import argparse
from collections.abc import Sequence
from dataclasses import replace
from statistics import median, quantiles
from typing import TYPE_CHECKING, Any

from backends import NAMES
from benchmarks.request.flags import add_case_flags, add_settings_flags
from benchmarks.request.model_flags import add_model_flags
from benchmarks.request.request import WARMUP, read_request
from benchmarks.selfcheck.crosscheck import ask_ratios
from common import cli
from common.cli import UnavailableError, UsageError
from common.flag_values import positive, seconds
from common.terminal import progress

if TYPE_CHECKING:
    from tqdm import tqdm

    from benchmarks.manager.session import Session
    from benchmarks.manager.worker_process import Worker
    from benchmarks.request.case import Case

PROGRAM = "benchmarks.selfcheck.reference_loops"
LEAST = 0.95  # of the fastest loop
FIRST_PAIRS = 4
HOPELESS = 2.0  # a loop that is so many times slower in those is not looked at further
BF16_ERROR = 0.03  # what bf16 may cost and still be chosen


def main(arguments: Sequence[str]) -> int:
    """The command; returns its exit code."""
    options = _parse(arguments)
    request = read_request(options)
    from benchmarks.manager.scratch import scratch_folder
    from benchmarks.manager.session import Session
    from benchmarks.manager.worker_process import WorkerFailure
    from benchmarks.measure.own_weights import write_own_weights

    tasks = "benchmarks.selfcheck.reference_tasks:HandwrittenTasks"
    with scratch_folder() as scratch, Session(request, scratch=scratch, tasks=tasks) as session:
        try:
            write_own_weights(session)
            case, ratios = _measure(session, options)
        except WorkerFailure as failure:
            raise UnavailableError(failure) from None
    print(f"{options.backend} {request.model}: the harness ran {case}, {case.threads} threads")
    for way, values in ratios.items():
        low, _, high = quantiles(values)
        print(
            f"  images/s of the harness over a loop by hand, {way}: median {median(values):.3f} of "
            f"{len(values)} interleaved pairs (middle half {low:.3f} to {high:.3f})"
        )
    fastest = min(ratios, key=lambda way: median(ratios[way]))
    if median(ratios[fastest]) < LEAST:
        cli.complain(PROGRAM, f"under {LEAST:.0%} of the fastest loop, {fastest}; repeat on a quiet machine")
        return cli.FAILED
    return cli.DONE


def _measure(session: "Session", options: argparse.Namespace) -> tuple["Case", dict[str, list[float]]]:
    from benchmarks.measure.tuning import tune

    name, case = options.backend, session.request.cases[0]
    if options.settings_mode == "tuned":
        case, _ = tune(session, name, case)
        session.end(name)
    session.prepare(name, case)
    session.warm_up(name, WARMUP)
    worker = session.worker(name)
    spec = session.job(name, replace(case, precision="fp32"), device="cpu")
    ways: list[str] = worker.ask("open_ways", spec=spec.to_json())
    with progress(total=len(ways) * options.pairs, unit="pairs") as bar:
        return case, {way: _ratios(worker, way, options, bar=bar) for way in ways}


def _ratios(worker: "Worker", way: str, options: argparse.Namespace, *, bar: "tqdm[Any]") -> list[float]:
    """The harness over a loop, by pairs of blocks: a few where the loop is far too slow to be the fastest."""
    bar.set_description(way)
    first = min(FIRST_PAIRS, options.pairs)
    how = {"min_seconds": options.block_seconds, "bar": bar}
    ratios = ask_ratios(worker, way, pairs=first, **how)
    if min(ratios) > HOPELESS:
        bar.update(options.pairs - first)
        return ratios
    return ratios + ask_ratios(worker, way, pairs=options.pairs - first, **how)


def _parse(arguments: Sequence[str]) -> argparse.Namespace:
    parser = cli.Parser(prog=PROGRAM, description="Hold the harness against loops written by hand.")
    parser.add_argument("--backend", required=True, choices=NAMES, help="the framework to measure")
    add_model_flags(parser)
    add_case_flags(parser.add_argument_group("case"), phases=("infer",), batch_size=32)
    add_settings_flags(parser.add_argument_group("how"))
    parser.add_argument(
        "--pairs", type=positive, default=30, metavar="N", help="pairs of blocks for each loop (default 30)"
    )
    parser.add_argument(
        "--block-seconds", type=seconds, default=0.5, metavar="S", help="seconds of each block (default 0.5)"
    )
    parser.set_defaults(phase=("infer",), device="cpu", settings_mode=None, max_error=BF16_ERROR)
    options = parser.parse_args(arguments)
    if len(options.batch_size) > 1:
        raise UsageError("the loops infer one fixed batch; give one --batch-size")
    if options.settings_mode is None:
        options.settings_mode = "tuned" if options.backend == "torch" and not options.engine else "equalised"
    if options.backend == "paddle" and not options.engine:
        options.engine = ("deploy",)
    if options.settings_mode == "tuned" and not options.precision:
        options.precision = ("fp32", "bf16")  # what the loops compute in
    return options


if __name__ == "__main__":
    cli.run(main, program=PROGRAM)
