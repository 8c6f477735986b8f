"""Check the harness itself against other clocks, on the same model in the same process.

    python -m benchmarks.selfcheck.crosscheck --backend torch --model alexnet --phase infer

References: a bare loop around the step, which shows the harness's overhead, and for torch
`torch.utils.benchmark`. Harness and reference alternate in short blocks, and the median ratio of
neighbouring blocks is judged: a noisy machine disturbs both alike. Where a step takes under 10 ms,
torch.utils.benchmark averages over several of them, and its figure is not the median that ours is.
"""

import argparse
import time
from collections.abc import Callable, Sequence
from statistics import median, quantiles
from typing import TYPE_CHECKING

from backends import NAMES
from benchmarks.request.flags import add_flags
from benchmarks.request.request import read_request
from benchmarks.worker.tasks import Tasks
from common import cli
from common.cli import UnavailableError, UsageError
from common.flags import positive, seconds

if TYPE_CHECKING:
    from benchmarks.manager.session import Session

PROGRAM = "benchmarks.selfcheck.crosscheck"
REFERENCES = {"torch": ("bare_loop", "torch_benchmark"), "paddle": ("bare_loop",)}
TOLERANCE = 0.02


class ReferenceTasks(Tasks):
    """A worker's tasks, and other ways to time the job that is prepared."""

    def ratios(self, reference: str, pairs: int, min_seconds: float) -> list[float]:
        """Throughput of the harness over that of a reference, one value per pair of blocks."""
        clocks = {"harness": self._harness, "reference": self._way(reference)}
        ratios = []
        for pair in range(pairs):
            order = list(clocks) if pair % 2 == 0 else list(clocks)[::-1]
            seconds = {name: clocks[name](min_seconds) for name in order}
            ratios.append(seconds["reference"] / seconds["harness"])
        return ratios

    def _harness(self, min_seconds: float) -> float:
        seconds: dict[str, list[float]] = self.measure(min_steps=1, min_seconds=min_seconds)["seconds"]
        return float(median(sum(step) for step in zip(*seconds.values(), strict=True)))

    def _way(self, name: str) -> Callable[[float], float]:
        """Timer of a reference: the seconds of a step, from so many seconds of steps."""
        return {"bare_loop": self._bare_loop, "torch_benchmark": self._torch_benchmark}[name]

    def _bare_loop(self, min_seconds: float) -> float:
        return timed_loop(self._step, min_seconds)

    def _torch_benchmark(self, min_seconds: float) -> float:
        import torch
        from torch.utils.benchmark import Timer

        timer = Timer("step()", globals={"step": self._step}, num_threads=torch.get_num_threads())
        return float(timer.blocked_autorange(min_run_time=min_seconds).median)

    def _step(self) -> None:
        job = self._require_job()
        for part in job.parts.values():
            part()
        job.timeline.synchronize()


def timed_loop(step: Callable[[], object], min_seconds: float) -> float:
    """Median seconds of a step in a loop with nothing but the clock around it."""
    values = []
    start = end = time.perf_counter()
    while end - start < min_seconds:
        before = time.perf_counter()
        step()
        end = time.perf_counter()
        values.append(end - before)
    return median(values)


def main(arguments: Sequence[str]) -> int:
    """The command; returns its exit code."""
    options = _parse(arguments)
    request = read_request(options)
    if len(request.cases) > 1:
        raise UsageError("one combination is checked at a time; give one --phase, --batch-size, ...")
    from benchmarks.manager.scratch import scratch_folder
    from benchmarks.manager.session import Session
    from benchmarks.manager.worker_process import WorkerFailure

    tasks = f"{PROGRAM}:{ReferenceTasks.__name__}"
    with scratch_folder() as scratch, Session(request, scratch=scratch, tasks=tasks) as session:
        try:
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
    session.warm_up(options.backend)
    blocks = {"pairs": options.pairs, "min_seconds": options.block_seconds}
    worker = session.worker(options.backend)
    return {name: worker.ask("ratios", reference=name, **blocks) for name in REFERENCES[options.backend]}


def _parse(arguments: Sequence[str]) -> argparse.Namespace:
    parser = cli.Parser(prog=PROGRAM, description="Check the harness against other clocks.")
    parser.add_argument("--backend", required=True, choices=NAMES)
    add_flags(parser)
    parser.add_argument("--pairs", type=positive, default=60, metavar="N", help="default 60")
    parser.add_argument("--block-seconds", type=seconds, default=0.3, metavar="S", help="default 0.3")
    parser.set_defaults(phase=("infer",))
    return parser.parse_args(arguments)


if __name__ == "__main__":
    cli.run(main, program=PROGRAM)
