"""Our training loop beside the articles' own, in one interleaved run.

    python -m benchmarks.selfcheck.training_loops --backend torch --data PHOTOS --model lenet5

torch: torchvision's ImageFolder and DataLoader and the usual five lines; paddle: DatasetFolder and
paddle.Model.fit; each once with as many workers as ours has and once without any. Ours is the loop of
backends.train with its defaults, so it keeps decoded images in memory. Same model, images, transforms (a
random part, mirrored or not) and optimizer; what is timed is whole epochs.
"""

import argparse
from collections.abc import Sequence
from pathlib import Path
from statistics import median
from typing import TYPE_CHECKING

from backends import NAMES
from common import cli, model_cards
from common.cli import UnavailableError, UsageError
from common.flag_values import natural, positive
from common.runtime.devices import available_cores
from common.terminal import progress

if TYPE_CHECKING:
    from benchmarks.manager.worker_process import Worker

PROGRAM = "benchmarks.selfcheck.training_loops"
TASKS = "benchmarks.selfcheck.article_loops:ArticleTasks"
ALONE = "theirs, no workers"
LOOPS = ("ours", "theirs", ALONE)


def main(arguments: Sequence[str]) -> int:
    """The command; returns its exit code."""
    options = _parse(arguments)
    if not options.data.is_dir():
        raise UsageError(f"{options.data}: no such folder; name a tree with one folder per class")
    from benchmarks.manager.scratch import scratch_folder
    from benchmarks.manager.worker_process import Worker, WorkerFailure

    seconds: dict[str, list[float]] = {loop: [] for loop in LOOPS}
    with scratch_folder() as scratch:
        try:
            with Worker(
                options.backend, threads=options.threads, scratch=scratch, timeout=600, tasks=TASKS
            ) as worker:
                images = worker.ask(
                    "begin",
                    data=str(options.data.absolute()),
                    model=options.model,
                    batch_size=options.batch_size,
                    workers=options.workers,
                    threads=options.threads,
                )
                _go_round(worker, options.rounds, seconds)
        except WorkerFailure as failure:
            raise UnavailableError(failure) from None
    _print_rates(options, images, seconds)
    return cli.DONE


def _go_round(worker: "Worker", rounds: int, seconds: dict[str, list[float]]) -> None:
    """Train an epoch of each loop in every round, and add the seconds that it took."""
    with progress(total=(rounds + 1) * len(LOOPS), unit="epochs") as bar:
        for number in range(rounds + 1):
            for loop in LOOPS if number % 2 else LOOPS[::-1]:
                bar.set_description(loop)
                spent = worker.ask("epoch", loop=loop)
                if number:  # the first round warms up
                    seconds[loop].append(spent)
                bar.update()


def _print_rates(options: argparse.Namespace, images: int, seconds: dict[str, list[float]]) -> None:
    """Print the rate of each loop, and ours by the better of theirs, round by round."""
    print(
        f"{options.backend} {options.model}: {images} images an epoch, {options.threads} threads, "
        f"{options.workers} workers that prepare images"
    )
    for loop, values in seconds.items():
        print(f"  {loop}: median {images / median(values):.1f} images/s of {len(values)} epochs")
    best = min(("theirs", ALONE), key=lambda loop: median(seconds[loop]))
    ratio = [theirs / ours for ours, theirs in zip(seconds["ours"], seconds[best], strict=True)]
    print(f"  ours by {best}: median {median(ratio):.3f}, {min(ratio):.3f} to {max(ratio):.3f}")


def _parse(arguments: Sequence[str]) -> argparse.Namespace:
    parser = cli.Parser(prog=PROGRAM, description="Our training loop beside the articles' own.")
    parser.add_argument("--backend", required=True, choices=NAMES, help="the framework to measure")
    parser.add_argument(
        "--data", type=Path, required=True, metavar="ROOT", help="a tree with one folder per class"
    )
    parser.add_argument(
        "--model", default="lenet5", choices=tuple(model_cards.MODELS), help="model to train (default lenet5)"
    )
    parser.add_argument(
        "--batch-size", type=positive, default=32, metavar="N", help="images per step (default 32)"
    )
    parser.add_argument(
        "--workers",
        type=natural,
        default=2,
        metavar="N",
        help="threads or processes that prepare images (default 2)",
    )
    parser.add_argument(
        "--threads",
        type=positive,
        default=available_cores(),
        metavar="N",
        help="threads of the framework (default: all cores)",
    )
    parser.add_argument(
        "--rounds", type=positive, default=5, metavar="N", help="epochs of each loop (default 5)"
    )
    return parser.parse_args(arguments)


if __name__ == "__main__":
    cli.run(main, program=PROGRAM)
