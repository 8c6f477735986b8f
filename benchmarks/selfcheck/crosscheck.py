"""Check the harness itself against other clocks, on the same model in the same process.

    python -m benchmarks.selfcheck.crosscheck --backend torch --model alexnet --phase infer

References: a bare loop around the step, which shows the harness's overhead, and for torch
`torch.utils.benchmark`. Harness and reference alternate in short blocks, and the median ratio of
neighbouring blocks is judged: a noisy machine disturbs both alike. Where a step takes under 10 ms,
torch.utils.benchmark averages over several of them, and its figure is not the median that ours is.
"""

import argparse
from collections.abc import Sequence
from statistics import median, quantiles
from typing import TYPE_CHECKING, Any

from backends import NAMES
from benchmarks.request.flags import add_case_flags, add_image_flags, add_settings_flags
from benchmarks.request.model_flags import add_model_flags
from benchmarks.request.request import WARMUP, Request, read_request
from common import cli
from common.cli import UnavailableError
from common.flag_values import positive, seconds
from common.terminal import progress

if TYPE_CHECKING:
    from tqdm import tqdm

    from benchmarks.manager.session import Session
    from benchmarks.manager.worker_process import Worker

PROGRAM = "benchmarks.selfcheck.crosscheck"
REFERENCES = {"torch": ("bare_loop", "torch_benchmark"), "paddle": ("bare_loop",)}
TOLERANCE = 0.02
PORTION = 4  # pairs that are asked for at once: even, since they alternate which comes first


def main(arguments: Sequence[str]) -> int:
    """The command; returns its exit code."""
    options = _parse(arguments)
    request = read_request(options)
    from benchmarks.manager.scratch import scratch_folder
    from benchmarks.manager.session import Session
    from benchmarks.manager.worker_process import WorkerFailure
    from benchmarks.measure.own_weights import write_own_weights

    tasks = "benchmarks.selfcheck.reference_tasks:ReferenceTasks"
    with scratch_folder() as scratch, Session(request, scratch=scratch, tasks=tasks) as session:
        try:
            write_own_weights(session)
            ratios = _measure(session, options)
        except WorkerFailure as failure:
            raise UnavailableError(failure) from None
    print(f"{options.backend} {request.model} {request.cases[0]}, {request.threads} threads")
    for reference, values in ratios.items():
        print(
            f"  images/s of the harness over {reference}: median {median(values):.4f} of {len(values)} "
            f"interleaved pairs (middle half {quantiles(values)[0]:.3f} to {quantiles(values)[2]:.3f})"
        )
    off = [reference for reference, values in ratios.items() if abs(median(values) - 1) > TOLERANCE]
    if off:
        cli.complain(
            PROGRAM, f"more than {TOLERANCE:.0%} away from {', '.join(off)}; repeat on a quiet machine"
        )
    return cli.FAILED if off else cli.DONE


def _measure(session: "Session", options: argparse.Namespace) -> dict[str, list[float]]:
    session.prepare(options.backend, session.request.cases[0])
    session.warm_up(options.backend, WARMUP)
    worker, references = session.worker(options.backend), REFERENCES[options.backend]
    with progress(total=len(references) * options.pairs, unit="pairs") as bar:
        return {
            name: ask_ratios(worker, name, pairs=options.pairs, min_seconds=options.block_seconds, bar=bar)
            for name in references
        }


def ask_ratios(
    worker: "Worker", reference: str, *, pairs: int, min_seconds: float, bar: "tqdm[Any]"
) -> list[float]:
    """The harness over a reference by pairs of blocks, a few pairs a request, so that the bar moves."""
    ratios: list[float] = []
    while len(ratios) < pairs:
        portion = min(PORTION, pairs - len(ratios))
        ratios += worker.ask("ratios", reference=reference, pairs=portion, min_seconds=min_seconds)
        bar.update(portion)
    return ratios


def _parse(arguments: Sequence[str]) -> argparse.Namespace:
    parser = cli.Parser(prog=PROGRAM, description="Check the harness against other clocks.")
    parser.add_argument("--backend", required=True, choices=NAMES, help="the framework to measure")
    add_model_flags(parser)
    add_case_flags(parser.add_argument_group("case"), one=True)
    how = parser.add_argument_group("how")
    how.add_argument("--device", default=Request.device, help="auto, cpu, gpu or gpu:N (default auto)")
    add_settings_flags(how, choices=("equalised", "as-shipped"))
    add_image_flags(parser)
    parser.add_argument(
        "--pairs",
        type=positive,
        default=60,
        metavar="N",
        help="pairs of blocks, of harness and reference (default 60)",
    )
    parser.add_argument(
        "--block-seconds", type=seconds, default=0.3, metavar="S", help="seconds of each block (default 0.3)"
    )
    parser.set_defaults(phase=("infer",))
    return parser.parse_args(arguments)


if __name__ == "__main__":
    cli.run(main, program=PROGRAM)
