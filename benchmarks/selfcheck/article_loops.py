"""A worker's training loops: ours, and the articles' own on the same model, images and optimizer."""

import time
from collections.abc import Callable
from functools import partial
from pathlib import Path
from typing import Any

from backends.training.flags import CACHE_MIB
from backends.training.learner import Learner
from backends.training.loop import Loop
from backends.training.process_team import ProcessTeam
from backends.training.scores import Reading
from benchmarks.selfcheck.training_loops import ALONE
from benchmarks.worker.tasks import Tasks
from common import model_cards
from common.dataset.sources import read_source
from common.dataset.split_names import WHOLE
from common.runtime.distributed import Member
from common.training import recipes
from common.training.run_folder import RunFolder
from common.weights import initialization
from common.weights.checkpoint import ModelConfig

MEAN, STD = (0.5, 0.5, 0.5), (0.5, 0.5, 0.5)
LEARNING_RATE = 1e-4


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
    """The loop of backends.train with its defaults; returns its images, too."""
    index = read_source(data)[WHOLE]
    recipe = recipes.find("flowers").for_model(model)
    recipe = recipe.changed(batch_size=batch_size, learning_rate=LEARNING_RATE, epochs=10**6)
    subject = ModelConfig(
        model=model, num_classes=index.num_classes, channels=3, preparation=recipe.preparation
    )
    learner = Learner(backend, recipe, subject, device="cpu")
    backend.set_weights(learner.model, initialization.draw("kaiming", learner.shapes, seed=0))
    epochs = Loop(
        learner,
        subject,
        {"train": index},
        RunFolder(data, writes=False),
        team=ProcessTeam(backend=backend, device="cpu", member=Member()),
        facts={},
        reading=Reading(workers=workers, cache_bytes=CACHE_MIB << 20),
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
