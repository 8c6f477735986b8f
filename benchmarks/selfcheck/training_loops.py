"""Our training loop beside the articles' own, in one interleaved run.

    python -m benchmarks.selfcheck.training_loops --backend torch --data PHOTOS --model lenet5

torch: torchvision's ImageFolder and DataLoader and the usual five lines; paddle: DatasetFolder and
paddle.Model.fit; each once with as many workers as ours has and once without any. Ours is the loop of
backends.train with its defaults, so it keeps decoded images in memory. Same model, images, transforms (a
random part, mirrored or not) and optimizer; what is timed is whole epochs.
"""

import argparse
import time
from collections.abc import Callable, Sequence
from functools import partial
from pathlib import Path
from statistics import median
from typing import Any

from backends import NAMES
from benchmarks.worker.tasks import Tasks
from common import cli, model_cards
from common.cli import UnavailableError, UsageError
from common.flags import natural, positive
from common.runtime.devices import available_cores

PROGRAM = "benchmarks.selfcheck.training_loops"
MEAN, STD = (0.5, 0.5, 0.5), (0.5, 0.5, 0.5)
LEARNING_RATE = 1e-4
ALONE = "theirs, no workers"
LOOPS = ("ours", "theirs", ALONE)


class ArticleTasks(Tasks):
    """A worker's tasks, and epochs of either loop."""

    def begin(self, *, data: str, model: str, batch_size: int, workers: int, threads: int) -> int:
        """Build all loops; returns how many images an epoch has."""
        self.backend.equalise(threads=threads, device="cpu")
        make = partial(
            {"torch": _torch_loop, "paddle": _paddle_loop}[self.name],
            self.backend,
            data,
            model=model,
            side=model_cards.find(model).input_shape[1],
            batch_size=batch_size,
        )
        self._loops = {"theirs": make(workers=workers), ALONE: make(workers=0)}
        images, self._loops["ours"] = _our_loop(
            self.backend, Path(data), model=model, batch_size=batch_size, workers=workers
        )
        return images

    def epoch(self, *, loop: str) -> float:
        """Seconds of one epoch of a loop."""
        start = time.perf_counter()
        self._loops[loop]()
        return time.perf_counter() - start


def _our_loop(
    backend: Any, data: Path, *, model: str, batch_size: int, workers: int
) -> tuple[int, Callable[[], None]]:
    from backends.training.flags import CACHE_MIB
    from backends.training.learner import Learner
    from backends.training.loop import Loop
    from backends.training.process_team import ProcessTeam
    from common.dataset.image_folder import WHOLE
    from common.dataset.sources import read_source
    from common.runtime.distributed import Member
    from common.training import recipes
    from common.training.run_folder import RunFolder
    from common.weights import initialization
    from common.weights.checkpoint import ModelConfig

    index = read_source(data)[WHOLE]
    recipe = recipes.find("flowers").for_model(model)
    recipe = recipe.changed(batch_size=batch_size, learning_rate=LEARNING_RATE, epochs=10**6)
    subject = ModelConfig(
        model=model, num_classes=index.num_classes, channels=3, preparation=recipe.preparation
    )
    learner = Learner(backend, recipe, subject, device="cpu")
    backend.set_weights(learner.model, initialization.draw("kaiming", learner.shapes, seed=0))
    team = ProcessTeam(backend=backend, device="cpu", member=Member())
    folder = RunFolder(data, writes=False)
    epochs = Loop(
        learner,
        subject,
        {"train": index},
        folder,
        team=team,
        facts={},
        workers=workers,
        cache_bytes=CACHE_MIB << 20,
    ).epochs()

    def epoch() -> None:
        for _ in next(epochs):
            pass

    return len(index), epoch


def _torch_loop(
    backend: Any, data: str, *, model: str, side: int, batch_size: int, workers: int
) -> Callable[[], None]:
    """As the torch articles write it."""
    import torch
    from torchvision import transforms
    from torchvision.datasets import ImageFolder

    steps = [transforms.RandomResizedCrop(side), transforms.RandomHorizontalFlip(), transforms.ToTensor()]
    dataset = ImageFolder(data, transforms.Compose([*steps, transforms.Normalize(MEAN, STD)]))
    batches = torch.utils.data.DataLoader(dataset, batch_size, shuffle=True, num_workers=workers)
    net = backend.build(model, num_classes=len(dataset.classes), channels=3, precision="fp32", device="cpu")
    optimizer = torch.optim.Adam(net.parameters(), LEARNING_RATE)
    criterion = torch.nn.CrossEntropyLoss()

    def epoch() -> None:
        for images, labels in batches:
            optimizer.zero_grad()
            loss = criterion(net(images), labels)
            loss.backward()
            optimizer.step()
            loss.item()

    return epoch


def _paddle_loop(
    backend: Any, data: str, *, model: str, side: int, batch_size: int, workers: int
) -> Callable[[], None]:
    """As the paddle articles write it: the high-level interface."""
    import paddle
    from paddle.vision import transforms
    from paddle.vision.datasets import DatasetFolder

    steps = [transforms.RandomResizedCrop(side), transforms.RandomHorizontalFlip(), transforms.ToTensor()]
    dataset = DatasetFolder(data, transform=transforms.Compose([*steps, transforms.Normalize(MEAN, STD)]))
    net = backend.build(model, num_classes=len(dataset.classes), channels=3, precision="fp32", device="cpu")
    high_level = paddle.Model(net)
    optimizer = paddle.optimizer.Adam(LEARNING_RATE, parameters=net.parameters())
    high_level.prepare(optimizer, paddle.nn.CrossEntropyLoss())

    def epoch() -> None:
        high_level.fit(dataset, epochs=1, batch_size=batch_size, shuffle=True, num_workers=workers, verbose=0)

    return epoch


def main(arguments: Sequence[str]) -> int:
    """The command; returns its exit code."""
    options = _parse(arguments)
    if not options.data.is_dir():
        raise UsageError(f"{options.data}: no such folder; name a tree with one folder per class")
    from benchmarks.manager.scratch import scratch_folder
    from benchmarks.manager.worker_process import Worker, WorkerFailure

    tasks = f"{PROGRAM}:{ArticleTasks.__name__}"
    seconds: dict[str, list[float]] = {loop: [] for loop in LOOPS}
    with scratch_folder() as scratch:
        try:
            with Worker(
                options.backend, threads=options.threads, scratch=scratch, timeout=600, tasks=tasks
            ) as worker:
                images = worker.ask(
                    "begin",
                    data=str(options.data.absolute()),
                    model=options.model,
                    batch_size=options.batch_size,
                    workers=options.workers,
                    threads=options.threads,
                )
                for number in range(options.rounds + 1):
                    for loop in LOOPS if number % 2 else LOOPS[::-1]:
                        spent = worker.ask("epoch", loop=loop)
                        if number:  # the first round warms up
                            seconds[loop].append(spent)
        except WorkerFailure as failure:
            raise UnavailableError(failure) from None
    _tell(options, images, seconds)
    return cli.DONE


def _tell(options: argparse.Namespace, images: int, seconds: dict[str, list[float]]) -> None:
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
    parser.add_argument("--backend", required=True, choices=NAMES)
    parser.add_argument("--data", type=Path, required=True, metavar="ROOT", help="one folder per class")
    parser.add_argument("--model", default="lenet5", choices=tuple(model_cards.MODELS))
    parser.add_argument("--batch-size", type=positive, default=32, metavar="N")
    parser.add_argument("--workers", type=natural, default=2, metavar="N", help="that prepare images (2)")
    parser.add_argument("--threads", type=positive, default=available_cores(), metavar="N")
    parser.add_argument("--rounds", type=positive, default=5, metavar="N", help="epochs of each (5)")
    return parser.parse_args(arguments)


if __name__ == "__main__":
    cli.run(main, program=PROGRAM)
