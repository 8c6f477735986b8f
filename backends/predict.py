"""Classify images with a checkpoint: python -m backends.predict --backend B --checkpoint C IMAGE..."""

import argparse
import json
import logging
from collections.abc import Sequence
from pathlib import Path

from backends import NAMES
from backends.inference.flags import add_checkpoint_flags, add_own_model_flags
from backends.launch import in_own_interpreter, start
from common import cli
from common.files import require_writable, write_text
from common.flag_values import positive
from common.runtime.devices import require_device_name

PROGRAM = "backends.predict"


def main(arguments: Sequence[str]) -> int:
    """The command; returns its exit code."""
    options = _parse(arguments)
    for path in (options.json, options.grid):
        if path is not None:
            require_writable(path)
    in_own_interpreter(options.backend, PROGRAM, arguments)
    logging.basicConfig(level=logging.WARNING, format=f"{PROGRAM}: %(message)s")
    # Imported here and not above: they take longer than --help may.
    from backends.inference.annotate import annotate, draw_grid
    from backends.inference.checkpoints import open_checkpoint
    from backends.inference.prediction import find_images, predict

    opened = open_checkpoint(options.checkpoint, options)
    subject = opened.subject
    backend, device = start(options.backend, device=options.device, threads=options.threads)
    classifier = opened.classifier(backend, device=device)
    predictions, problems = predict(find_images(options.images), classifier, subject)
    names = subject.classes or tuple(str(label) for label in range(subject.num_classes))
    for prediction in predictions:
        print(prediction.path)
        for entry in prediction.ranked(names, options.top):
            print(f"  {entry['class']}  {entry['probability']:.4f}")
    if options.json:
        result = [{"image": str(p.path), "predictions": p.ranked(names, options.top)} for p in predictions]
        write_text(options.json, json.dumps(result, ensure_ascii=False, indent=2) + "\n")
    if options.annotate:
        annotate(predictions, names, options.annotate)
    if options.grid and predictions:
        draw_grid(predictions, names, options.grid)
    for problem in problems:
        cli.complain(PROGRAM, problem)
    return cli.WRONG_REQUEST if problems else cli.DONE


def _parse(arguments: Sequence[str]) -> argparse.Namespace:
    parser = cli.Parser(prog=PROGRAM, description="Classes of images with their probabilities.")
    parser.add_argument("--backend", required=True, choices=NAMES, help="the framework to use")
    parser.add_argument(
        "--checkpoint", type=Path, required=True, metavar="C", help="a file, or the folder of a run"
    )
    parser.add_argument(
        "images", type=Path, nargs="+", metavar="IMAGE", help="image files, or folders of them"
    )
    parser.add_argument(
        "--top", type=positive, metavar="K", help="print the K most probable classes (default: all)"
    )
    parser.add_argument(
        "--annotate", type=Path, metavar="DIR", help="write copies with class and probability"
    )
    parser.add_argument(
        "--grid", type=Path, metavar="FILE.png", help="draw all images with their predictions"
    )
    parser.add_argument("--json", type=Path, metavar="FILE", help="write the results there")
    parser.add_argument("--device", default="auto", help="auto, cpu, gpu or gpu:N (default auto)")
    parser.add_argument(
        "--threads", type=positive, metavar="N", help="threads of the framework (default: all cores)"
    )
    add_checkpoint_flags(parser)
    add_own_model_flags(parser)
    options = parser.parse_args(arguments)
    require_device_name(options.device)
    return options


if __name__ == "__main__":
    cli.run(main, program=PROGRAM)
