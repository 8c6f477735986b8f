"""Evaluate a checkpoint on labelled images.

python -m backends.evaluate --backend torch --checkpoint runs/mnist --data MNIST
"""

import argparse
from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

from backends import NAMES
from backends.inference.flags import (
    GRID,
    SPLITS,
    add_both_flags,
    add_checkpoint_flags,
    add_own_model_flags,
    other_of,
    require_both,
)
from backends.launch import in_own_interpreter, require_device, start
from common import cli
from common.files import require_writable
from common.flag_values import natural, positive
from common.json_text import write_json
from common.runtime.devices import available_cores
from common.terminal import configure_logging, printable

if TYPE_CHECKING:
    import numpy as np

    from backends.inference.agreement import SideLogits
    from backends.inference.checkpoints import OpenCheckpoint
    from backends.inference.classifier import Classifier, Scores
    from common.dataset.index import Index

PROGRAM = "backends.evaluate"


def main(arguments: Sequence[str]) -> int:
    """The command; returns its exit code."""
    options = _parse(arguments)
    require_both(options)
    for path in (options.json, options.confusion, options.grid):
        if path is not None:
            require_writable(path)
    in_own_interpreter(options.backend, PROGRAM, arguments)
    configure_logging(PROGRAM)
    # Imported here and not above: they take longer than --help may.
    from backends.inference.checkpoints import open_checkpoint
    from backends.inference.evaluation import class_names, labelled
    from backends.inference.other_side import other_side, write_side
    from backends.training.splits import as_trained, require_some_images
    from common.dataset.sources import read_source
    from common.weights.checkpoint import run_of

    # What can be wrong with checkpoint and data shows before a framework is imported.
    opened = open_checkpoint(options.checkpoint, options)
    splits, run = read_source(options.data), run_of(options.checkpoint)
    divided = splits if run is None else as_trained(splits, run)
    split, index = labelled(divided, opened.subject, data=options.data, wanted=options.split)
    require_some_images(index)
    names = class_names(opened.subject, index)
    other = other_side(PROGRAM, arguments, options) if options.both else None
    backend, device = start(options.backend, device=options.device, threads=options.threads)
    classifier = opened.classifier(backend, device=device)
    for remark in opened.remarks():
        cli.complain(PROGRAM, remark)
    scores, own = _scored(options, opened, classifier, index)
    if options.logits_only:
        write_side(own, options.logits_only)
        return cli.DONE
    _print_scores(scores, names, f"{index.source}, {split}")
    results = scores.to_json(names)
    if other is not None:
        results["both"] = _agreement({options.backend: own, other_of(options.backend): other}, names, index)
    _write(options, results, scores, names, opened)
    if options.grid:
        from backends.inference.evaluation import draw_examples

        draw_examples(index, classifier, opened.subject, names, options.grid)
    return cli.DONE


def _scored(
    options: argparse.Namespace, opened: "OpenCheckpoint", classifier: "Classifier", index: "Index"
) -> "tuple[Scores, SideLogits]":
    """Metrics on all images; their logits, too, where both sides are compared."""
    from backends.inference.agreement import SideLogits
    from backends.inference.classifier import evaluation_loader

    how = {"workers": options.workers, "strict": options.strict, "batch_size": options.batch_size}
    loader = evaluation_loader(index, opened.subject.preparation, device=classifier.device, **how)
    kept: list[np.ndarray] = []
    asked: dict[str, Any] = {"num_classes": opened.subject.num_classes, "what": "evaluate"}
    asked |= {"keep": kept.append} if options.both or options.logits_only else {}
    scores = classifier.score(loader, **asked)
    places = [place for place in range(len(index)) if place not in loader.damaged] if kept else []
    return scores, SideLogits.of(kept, places, index.paths)


def _agreement(sides: "dict[str, SideLogits]", names: Sequence[str], index: "Index") -> dict[str, Any]:
    """Print how far both sides agree, and return it for the result file."""
    from backends.inference.agreement import Agreement, agreement_lines

    found = Agreement(sides=sides).to_json(names, index.paths.__getitem__, index.labels)
    print("\n".join(agreement_lines(found)))
    return found


def _write(
    options: argparse.Namespace,
    results: dict[str, Any],
    scores: "Scores",
    names: Sequence[str],
    opened: "OpenCheckpoint",
) -> None:
    """Say what makes the figures doubtful, and write the files that were asked for."""
    from backends.inference.doubts import suspicion
    from common.plots import draw_confusion

    doubt = suspicion(scores.confusion.counts, names, opened.subject)
    if doubt is not None:
        cli.complain(PROGRAM, doubt)
    if options.json:
        write_json(options.json, results)
    if options.confusion:
        draw_confusion(scores.confusion.counts, names, options.confusion)


def _print_scores(scores: "Scores", classes: Sequence[str], source: str) -> None:
    from tabulate import tabulate

    result = scores.to_json(tuple(classes))
    rows = [
        (row["class"], row["images"], _percent(row["recall"]), _percent(row["precision"]))
        for row in result["per_class"]
    ]
    rows = [(printable(name), *values) for name, *values in rows]
    print(tabulate(rows, headers=("class", "images", "recall", "precision"), disable_numparse=True))
    loss = "none" if result["loss"] is None else f"{result['loss']:.4f}"
    print(
        f"{printable(source)}: {result['images']} images, top-1 error {_percent(result['top1_error'])}, "
        f"top-5 error {_percent(result['top5_error'])}, loss {loss}"
    )


def _percent(value: float | None) -> str:
    return "-" if value is None else f"{value:.2%}"


def _parse(arguments: Sequence[str]) -> argparse.Namespace:
    parser = cli.Parser(prog=PROGRAM, description="Error rates of a checkpoint on labelled images.")
    parser.add_argument("--backend", required=True, choices=NAMES, help="the framework to use")
    parser.add_argument(
        "--checkpoint", type=Path, required=True, metavar="C", help="a file, or the folder of a run"
    )
    parser.add_argument("--data", type=Path, required=True, metavar="PATH", help="as for backends.train")
    parser.add_argument("--split", choices=SPLITS, help="default: the first of these that there is")
    parser.add_argument("--json", type=Path, metavar="FILE", help="write the results there")
    parser.add_argument("--confusion", type=Path, metavar="FILE.png", help="draw the confusion matrix")
    parser.add_argument("--grid", type=Path, metavar="FILE.png", help=f"draw {GRID} images with predictions")
    parser.add_argument(
        "--batch-size", type=positive, default=64, metavar="N", help="images per step (default 64)"
    )
    parser.add_argument("--strict", action="store_true", help="an image that cannot be decoded is an error")
    parser.add_argument("--device", default="auto", help="auto, cpu, gpu or gpu:N (default auto)")
    parser.add_argument(
        "--threads", type=positive, metavar="N", help="threads of the framework (default: all cores)"
    )
    parser.add_argument(
        "--workers",
        type=natural,
        default=available_cores(),
        metavar="N",
        help="threads that decode (default: all cores)",
    )
    add_checkpoint_flags(parser)
    add_own_model_flags(parser)
    add_both_flags(parser)
    options = parser.parse_args(arguments)
    require_device(options.device)
    return options


if __name__ == "__main__":
    cli.run(main, program=PROGRAM)
