"""Throughput of loading images: the common loader beside the limit and beside the framework's own loader.

    python -m benchmarks.selfcheck.data_loading --backend torch --data LIST.txt [--augment] [--workers 2]

The limit is as many threads as there are workers, which open, convert and resize the same files and do
nothing else. All take turns in one process, in an order that rotates, and every turn reads the list once;
the result is the median over rounds of the ratio within a round, which a drifting machine hardly moves.
Without ``--augment`` the first batches are compared. torchvision and paddle 3 give the common loader's bits;
paddle 2.6 multiplies by 1/255 where the others divide, which rounds otherwise.
"""

import argparse
from collections.abc import Sequence
from dataclasses import asdict
from pathlib import Path
from statistics import median
from typing import TYPE_CHECKING

from backends import NAMES
from benchmarks.request.job import ImageSource
from common import cli
from common.cli import UnavailableError
from common.files import require_writable, write_text
from common.flag_values import positive, shape
from common.runtime.devices import available_cores
from common.terminal import progress

if TYPE_CHECKING:
    from benchmarks.manager.worker_process import Worker

PROGRAM = "benchmarks.selfcheck.data_loading"
TASKS = "benchmarks.selfcheck.loading_tasks:LoadingTasks"
LIMIT = "limit"
ROUNDING = 1e-5  # of numbers up to 3; beyond it the loaders do different things
FEWEST_ROUNDS = 5


def main(arguments: Sequence[str]) -> int:
    """The command; returns its exit code."""
    options = _parse(arguments)
    if options.json:
        require_writable(options.json)
    # Imported here and not above: they take longer than --help may.
    from benchmarks.manager.scratch import scratch_folder
    from benchmarks.manager.worker_process import Worker, WorkerFailure
    from common import dataset

    dataset.require_images(dataset.read_list(options.data, root=options.root))
    with scratch_folder() as scratch:
        worker = Worker(options.backend, threads=options.threads, scratch=scratch, timeout=600.0, tasks=TASKS)
        try:
            speeds, difference = _measure(worker, options)
        except WorkerFailure as failure:
            raise UnavailableError(failure) from None
        finally:
            worker.close()
    print(_report(options, speeds, difference))
    if options.json:
        from pydantic_core import to_json

        content = {"backend": options.backend, "images_per_second": speeds, "largest_difference": difference}
        write_text(options.json, to_json(content, indent=2).decode() + "\n")
    if difference is not None and difference > ROUNDING:
        cli.complain(
            PROGRAM, f"the common loader and {options.backend}'s own differ by up to {difference:.2g}"
        )
        return cli.FAILED
    return cli.DONE


def _measure(worker: "Worker", options: argparse.Namespace) -> tuple[dict[str, list[float]], float | None]:
    images = ImageSource(
        list=str(options.data.absolute()),
        root=str(options.root.absolute()) if options.root else None,
        input_shape=options.input_shape,
        workers=options.workers,
        augment=options.augment,
    )
    size = {"batch_size": options.batch_size, "threads": options.threads}
    ways: list[str] = worker.ask("open_ways", source=asdict(images), **size)
    difference = None if options.augment else float(worker.ask("largest_difference"))
    speeds: dict[str, list[float]] = {way: [] for way in ways}
    with progress(total=options.rounds + 1, unit="rounds") as bar:
        for number in range(options.rounds + 1):
            for place in range(len(ways)):
                way = ways[(place + number) % len(ways)]
                speed = worker.ask("images_per_second", way=way)
                if number > 0:  # the first round warms up: files, memory, processes
                    speeds[way].append(speed)
            bar.update()
    return speeds, difference


def _report(options: argparse.Namespace, speeds: dict[str, list[float]], difference: float | None) -> str:
    from tabulate import tabulate

    native = max((way for way in speeds if way.startswith("native")), key=lambda way: median(speeds[way]))
    rows = [
        [way, median(values), _ratio(values, speeds[LIMIT]), _ratio(values, speeds[native])]
        for way, values in speeds.items()
    ]
    transforms = "training transforms" if options.augment else "evaluation transforms"
    headers = ["way", "images/s", "of the limit", f"of the best native ({native.partition(', ')[2]})"]
    lines = [
        f"{options.backend}, {options.data}, {transforms}, batches of {options.batch_size}, "
        f"{options.workers} workers, {options.rounds} rounds in turns; medians",
        "",
        tabulate(rows, headers=headers, floatfmt=("", ".0f", ".2f", ".2f")),
    ]
    if difference is not None:
        found = "the same bits" if difference == 0 else f"numbers that differ by up to {difference:.2g}"
        lines += ["", f"common and native give {found}"]
    return "\n".join(lines)


def _ratio(ours: Sequence[float], theirs: Sequence[float]) -> float:
    return median(one / other for one, other in zip(ours, theirs, strict=True))


def _parse(arguments: Sequence[str]) -> argparse.Namespace:
    parser = cli.Parser(prog=PROGRAM, description="Measure how fast images are loaded.")
    parser.add_argument("--backend", required=True, choices=NAMES, help="the framework to measure")
    parser.add_argument("--data", type=Path, required=True, metavar="LIST.txt", help="the images")
    parser.add_argument("--root", type=Path, metavar="DIR", help="folder of the images (default: the list's)")
    parser.add_argument(
        "--augment", action="store_true", help="training transforms: random resized crop and flip"
    )
    parser.add_argument(
        "--input-shape",
        type=shape,
        default=(3, 224, 224),
        metavar="C,H,W",
        help="of a batch's images (default 3,224,224)",
    )
    parser.add_argument(
        "--batch-size", type=positive, default=32, metavar="N", help="images per batch (default 32)"
    )
    parser.add_argument(
        "--workers",
        type=positive,
        default=2,
        metavar="N",
        help="threads or processes that decode (default 2)",
    )
    parser.add_argument(
        "--threads",
        type=positive,
        default=available_cores(),
        metavar="N",
        help="threads of the framework (default: all cores)",
    )
    parser.add_argument(
        "--rounds",
        type=positive,
        default=9,
        metavar="N",
        help="passes over the list by each way, 5 or more (default 9)",
    )
    parser.add_argument("--json", type=Path, metavar="FILE", help="write the speed of every pass there")
    options = parser.parse_args(arguments)
    if options.rounds < FEWEST_ROUNDS:
        parser.error(f"--rounds must be {FEWEST_ROUNDS} or more: fewer say too little")
    return options


if __name__ == "__main__":
    cli.run(main, program=PROGRAM)
