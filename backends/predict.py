"""Classify images with a checkpoint: python -m backends.predict --backend B --checkpoint C IMAGE..."""

import argparse
import sys
from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

from backends import NAMES
from backends.inference.flags import (
    add_both_flags,
    add_checkpoint_flags,
    add_own_model_flags,
    other_of,
    require_both,
)
from backends.launch import in_own_interpreter, require_device, start
from common import cli
from common.files import require_folder, require_writable
from common.flag_values import positive
from common.json_rows import writing_rows
from common.terminal import configure_logging, printable, progress

if TYPE_CHECKING:
    import numpy as np

    from backends.inference.agreement import SideLogits
    from backends.inference.annotate import Grid
    from backends.inference.classifier import Classifier
    from common.weights.checkpoint import ModelConfig

PROGRAM = "backends.predict"


def main(arguments: Sequence[str]) -> int:
    """The command; returns its exit code."""
    options = _parse(arguments)
    require_both(options)
    for path in (options.json, options.grid):
        if path is not None:
            require_writable(path)
    if options.annotate is not None:
        require_folder(options.annotate)
    in_own_interpreter(options.backend, PROGRAM, arguments)
    configure_logging(PROGRAM)
    # Imported here and not above: they take longer than --help may.
    from backends.inference.checkpoints import open_checkpoint
    from backends.inference.other_side import other_side
    from backends.inference.prediction import find_images

    images = find_images(options.images)
    opened = open_checkpoint(options.checkpoint, options)
    other = other_side(PROGRAM, arguments, options) if options.both else None
    backend, device = start(options.backend, device=options.device, threads=options.threads)
    classifier = opened.classifier(backend, device=device)
    for remark in opened.remarks():
        cli.complain(PROGRAM, remark)
    if options.logits_only:
        return _write_logits(options, images, classifier, opened.subject)
    return _predict(options, images, classifier, opened.subject, other)


def _predict(
    options: argparse.Namespace,
    images: Sequence[Path],
    classifier: "Classifier",
    subject: "ModelConfig",
    other: "SideLogits | None" = None,
) -> int:
    """Show and write one prediction at a time: none of them is kept but for its logits, with --both."""
    from backends.inference.annotate import Annotator, Grid
    from backends.inference.prediction import Unclassified, predict

    names = subject.classes or tuple(str(label) for label in range(subject.num_classes))
    annotator = Annotator(options.annotate, names) if options.annotate else None
    grid = Grid(names) if options.grid else None
    others = _classes(other, names)
    problems, kept = 0, _Kept()
    bar = progress(total=len(images), unit="images", what="predict")
    with bar, writing_rows(options.json) as add_row:
        for place, found in enumerate(predict(images, classifier, subject)):
            bar.update()
            if isinstance(found, Unclassified):
                problems += 1
                with bar.external_write_mode(file=sys.stderr):
                    cli.complain(PROGRAM, found)
                continue
            ranked = found.ranked(names, options.top)
            bar.write("\n".join(_lines(found.path, ranked)), file=sys.stdout)
            row: dict[str, Any] = {"image": str(found.path), "predictions": ranked}
            if other is not None:
                kept.add(place, found.logits)
                theirs = others.get(place)
                row |= {"other_class": theirs, "agree": theirs == ranked[0]["class"]}
            add_row(row)
            for output in (annotator, grid):
                if output is not None:
                    output.add(found)
    if grid is not None:
        _draw(grid, options.grid)
    if other is not None:
        sides = {options.backend: kept.side(images), other_of(options.backend): other}
        _print_agreement(sides, names, images)
    return cli.WRONG_REQUEST if problems else cli.DONE


def _draw(grid: "Grid", path: Path) -> None:
    grid.draw(path)
    if grid.left_out:
        cli.complain(PROGRAM, f"{path}: without the last {grid.left_out} images")


class _Kept:
    """Logits by the place of their image."""

    def __init__(self) -> None:
        self._places: list[int] = []
        self._logits: list[np.ndarray] = []

    def add(self, place: int, logits: "np.ndarray") -> None:
        self._places.append(place)
        self._logits.append(logits[None])

    def side(self, images: Sequence[Path]) -> "SideLogits":
        from backends.inference.agreement import SideLogits

        return SideLogits.of(self._logits, self._places, [str(image) for image in images])


def _write_logits(
    options: argparse.Namespace, images: Sequence[Path], classifier: "Classifier", subject: "ModelConfig"
) -> int:
    """What another process of this command asks for, with --both."""
    from backends.inference.other_side import write_side
    from backends.inference.prediction import Unclassified, predict

    kept = _Kept()
    for place, found in enumerate(predict(images, classifier, subject)):
        if not isinstance(found, Unclassified):
            kept.add(place, found.logits)
    write_side(kept.side(images), options.logits_only)
    return cli.DONE


def _classes(other: "SideLogits | None", names: Sequence[str]) -> dict[int, str]:
    """The other side's class of each image by its place."""
    if other is None:
        return {}
    best = other.logits.argmax(axis=1).tolist() if len(other.places) else []
    return {place: names[label] for place, label in zip(other.places.tolist(), best, strict=True)}


def _print_agreement(sides: "dict[str, SideLogits]", names: Sequence[str], images: Sequence[Path]) -> None:
    from backends.inference.agreement import Agreement, agreement_lines

    found = Agreement(sides=sides).to_json(names, lambda place: str(images[place]))
    print("\n".join(agreement_lines(found)))


def _lines(path: Path, ranked: Sequence[Mapping[str, Any]]) -> Iterator[str]:
    yield printable(path)
    for entry in ranked:
        yield f"  {printable(entry['class'])}  {entry['probability']:.4f}"


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
    add_both_flags(parser)
    options = parser.parse_args(arguments)
    require_device(options.device)
    return options


if __name__ == "__main__":
    cli.run(main, program=PROGRAM)
