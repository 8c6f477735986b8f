"""Evaluate a checkpoint on labelled images.

python -m backends.evaluate --backend torch --checkpoint runs/mnist --data MNIST
"""

import argparse
import json
import logging
from collections.abc import Mapping, Sequence
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np

from backends import NAMES
from backends.inference.checkpoints import add_flags, open_checkpoint
from backends.launch import in_own_interpreter, start
from common import cli
from common.cli import UsageError
from common.files import require_writable, write_text
from common.flags import natural, positive
from common.runtime.devices import require_device_name
from common.weights.checkpoint import run_of

if TYPE_CHECKING:
    from backends.inference.classifier import Classifier, Scores
    from common.dataset.index import Index
    from common.weights.checkpoint import ModelConfig

PROGRAM = "backends.evaluate"
PARTS = ("test", "valid", "all", "train")  # which one is meant, where none is named
GRID = 6  # images in the picture of predictions


def main(arguments: Sequence[str]) -> int:
    """The command; returns its exit code."""
    options = _parse(arguments)
    for path in (options.json, options.confusion, options.grid):
        if path is not None:
            require_writable(path)
    in_own_interpreter(options.backend, PROGRAM, arguments)
    logging.basicConfig(level=logging.WARNING, format=f"{PROGRAM}: %(message)s")
    from backends.inference.classifier import evaluation_loader

    opened = open_checkpoint(options.checkpoint, options)
    part, index = labelled(options.data, opened.subject, part=options.split, run=run_of(options.checkpoint))
    backend, device = start(options.backend, device=options.device, threads=options.threads)
    classifier = opened.classifier(backend, device=device)
    loader = evaluation_loader(
        index,
        opened.subject.preparation,
        device=device,
        batch_size=options.batch_size,
        workers=options.workers,
        strict=options.strict,
    )
    scores = classifier.score(loader, num_classes=opened.subject.num_classes)
    classes = opened.subject.classes or index.classes
    names = classes or tuple(str(label) for label in range(opened.subject.num_classes))
    _tell(scores, names, f"{index.source}, {part}")
    if options.json:
        write_text(options.json, json.dumps(scores.to_json(names), ensure_ascii=False, indent=2) + "\n")
    if options.confusion:
        from common.plots import draw_confusion

        draw_confusion(scores.confusion.counts, names, options.confusion)
    if options.grid:
        _draw_grid(index, classifier, opened.subject, names, options.grid)
    return cli.DONE


def labelled(
    data: Path, subject: "ModelConfig", *, part: str | None, run: Mapping[str, Any] | None
) -> "tuple[str, Index]":
    """(name, images) of a part of the data, labelled as the checkpoint numbers its classes.

    The data of the ``run`` that the checkpoint is from are divided as it divided them.
    """
    from backends.training.splits import as_trained
    from common.dataset.sources import read_source

    parts: Mapping[str, Index] = read_source(data)
    if run is not None:
        parts = as_trained(parts, run)
    wanted = part or next(name for name in PARTS if name in parts)
    if wanted not in parts:
        raise UsageError(f"{data}: has no part {wanted}, only {', '.join(parts)}; choose one with --split")
    index = parts[wanted]
    if subject.classes and index.classes and index.classes != subject.classes:
        return wanted, _renumbered(index, subject.classes)
    highest = int(index.labels.max())
    if highest >= subject.num_classes:
        raise UsageError(f"{data}: has labels up to {highest}, the checkpoint {subject.num_classes} classes")
    return wanted, index


def _renumbered(index: "Index", classes: tuple[str, ...]) -> "Index":
    """The same images with the checkpoint's numbers for their classes, by name."""
    assert index.classes is not None
    used = sorted({index.classes[label] for label in index.labels})
    unknown = [name for name in used if name not in classes]
    if unknown:
        raise UsageError(
            f"{index.source}: has the classes {', '.join(unknown)}, the checkpoint only {', '.join(classes)}"
        )
    numbers = np.array([classes.index(name) if name in classes else -1 for name in index.classes])
    return replace(index, labels=numbers[index.labels], classes=classes)


def _tell(scores: "Scores", classes: Sequence[str], source: str) -> None:
    from tabulate import tabulate

    result = scores.to_json(tuple(classes))
    rows = [
        (row["class"], row["images"], _percent(row["recall"]), _percent(row["precision"]))
        for row in result["per_class"]
    ]
    print(tabulate(rows, headers=("class", "images", "recall", "precision"), disable_numparse=True))
    loss = "none" if result["loss"] is None else f"{result['loss']:.4f}"
    print(
        f"{source}: {result['images']} images, top-1 error {_percent(result['top1_error'])}, "
        f"top-5 error {_percent(result['top5_error'])}, loss {loss}"
    )


def _percent(value: float | None) -> str:
    return "-" if value is None else f"{value:.2%}"


def _draw_grid(
    index: "Index", classifier: "Classifier", subject: "ModelConfig", names: Sequence[str], path: Path
) -> None:
    """Predictions against labels for images drawn with a fixed seed."""
    from common.plots import draw_grid

    chosen = np.sort(np.random.default_rng(0).permutation(len(index))[:GRID])
    preparation = subject.preparation.for_evaluation()
    images = [index.decode(int(place), channels=subject.channels) for place in chosen]
    guesses = classifier.logits(np.stack([preparation(image) for image in images])).argmax(axis=1)
    labels = index.labels[chosen]
    titles = [f"{names[guess]} (is {names[label]})" for guess, label in zip(guesses, labels, strict=True)]
    draw_grid(images, titles, (guesses == labels).tolist(), path)


def _parse(arguments: Sequence[str]) -> argparse.Namespace:
    parser = cli.Parser(prog=PROGRAM, description="Error rates of a checkpoint on labelled images.")
    parser.add_argument("--backend", required=True, choices=NAMES)
    parser.add_argument(
        "--checkpoint", type=Path, required=True, metavar="C", help="a file, or the folder of a run"
    )
    parser.add_argument("--data", type=Path, required=True, metavar="PATH", help="as for backends.train")
    parser.add_argument("--split", choices=PARTS, help="default: the first of these that there is")
    parser.add_argument("--json", type=Path, metavar="FILE")
    parser.add_argument("--confusion", type=Path, metavar="FILE.png", help="draw the confusion matrix")
    parser.add_argument("--grid", type=Path, metavar="FILE.png", help=f"draw {GRID} images with predictions")
    parser.add_argument("--batch-size", type=positive, default=64, metavar="N", help="default 64")
    parser.add_argument("--strict", action="store_true", help="an image that cannot be decoded is an error")
    parser.add_argument("--device", default="auto", help="auto, cpu, gpu or gpu:N (default auto)")
    parser.add_argument("--threads", type=positive, metavar="N", help="default: all cores")
    parser.add_argument("--workers", type=natural, default=1, metavar="N", help="threads that decode (1)")
    add_flags(parser)
    options = parser.parse_args(arguments)
    require_device_name(options.device)
    return options


if __name__ == "__main__":
    cli.run(main, program=PROGRAM)
