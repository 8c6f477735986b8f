"""Do both frameworks compute the same? float64 decides, float32 is described.

    python -m benchmarks.parity --model lenet5
    python -m benchmarks.parity --torch mine:net --paddle mine:twin --input-shape 3,32,32 --num-classes 10

Both sides get equal weights and images. A tensor passes if the sides are at most 1e-12 of its length apart
(relative L2) in float64. A larger gap that comes from a constant which paddle keeps in float32 passes only if
torch, given the same rounded constant, agrees to 1e-12.
"""

import argparse
from collections.abc import Sequence
from pathlib import Path

from backends import NAMES, OPTIMIZERS
from benchmarks.request.flags import add_json_flag, add_model_flags
from benchmarks.request.model_pair import ModelPair
from benchmarks.request.request import read_size
from common import cli
from common.cli import UsageError
from common.files import require_writable
from common.flag_values import positive, words
from common.runtime.devices import require_device_name
from common.weights.map_lines import read_map

PROGRAM = "benchmarks.parity"
ROLES = {
    "loss": "(logits, labels) -> a number",
    "optimizer": "(model) -> an optimizer, or it and its schedule",
    "data": "() -> batches of (images, labels), NumPy",
    "metric": "(logits, labels) -> a number, or numbers by name",
}


def main(arguments: Sequence[str]) -> int:
    """The command; returns its exit code."""
    options = _parse(arguments)
    for path in (options.json, options.plot):
        if path:
            require_writable(path)
    subject = _subject(options)
    # Imported here and not above: they take longer than --help may.
    from benchmarks.parity import plot, text
    from benchmarks.parity.check import check
    from benchmarks.parity.comparison import Plan
    from benchmarks.results import result_file

    plan = Plan(steps=options.steps, optimizers=options.optimizer)
    report = check(subject, plan, device=options.device, timeout=options.timeout)
    if options.json:
        result_file.write(report, options.json)
    if options.plot:
        plot.draw(report, options.plot)
    print(text.report_text(report, subject))
    if report["verdict"] == "pass":
        return cli.DONE
    cli.complain(PROGRAM, text.failure(report))
    return cli.FAILED if report["verdict"] == "fail" else cli.WRONG_REQUEST


def _subject(options: argparse.Namespace) -> ModelPair:
    sources = {name: getattr(options, name) for name in NAMES if getattr(options, name)}
    if len(sources) == 1:
        raise UsageError("--torch and --paddle go together: a pair has two sides")
    if bool(sources) == bool(options.model):
        raise UsageError("give --model NAME, or --torch MODULE:CALLABLE and --paddle MODULE:CALLABLE")
    if sources and not (options.input_shape and options.num_classes):
        raise UsageError("a pair of your own needs --input-shape C,H,W and --num-classes N")
    if options.map and not sources:
        raise UsageError("--map belongs to --torch and --paddle: our models' names are equal")
    num_classes, input_shape = (options.num_classes, options.input_shape) if sources else read_size(options)
    return ModelPair(
        model=options.model or "",
        num_classes=num_classes,
        input_shape=input_shape,
        seed=options.seed,
        batch_size=options.batch_size,
        sources=sources,
        plugins=_plugins(options),
        names=read_map(options.map) or {},
        folder=str(Path.cwd()),
    )


def _plugins(options: argparse.Namespace) -> dict[str, dict[str, str]]:
    plugins: dict[str, dict[str, str]] = {name: {} for name in NAMES}
    for role in ROLES:
        given = {name: getattr(options, f"{name}_{role}") for name in NAMES}
        if all(given.values()):
            for name, source in given.items():
                plugins[name][role] = source
        elif any(given.values()):
            raise UsageError(f"--torch-{role} and --paddle-{role} go together")
    return plugins


def _parse(arguments: Sequence[str]) -> argparse.Namespace:
    parser = cli.Parser(prog=PROGRAM, description="Compare what both frameworks compute.")
    add_model_flags(parser, required=False)
    add_json_flag(parser)
    for name in NAMES:
        text = f"MODULE:CALLABLE in this folder: () -> a {name} model from images to logits"
        parser.add_argument(f"--{name}", metavar="M:C", help=text)
    for role, text in ROLES.items():
        for name in NAMES:
            parser.add_argument(f"--{name}-{role}", metavar="M:C", help=text)
    parser.add_argument(
        "--map",
        type=Path,
        metavar="FILE.json",
        help="torch's parameter or layer names to paddle's; it can stack, reshape and leave out",
    )
    parser.add_argument(
        "--batch-size",
        type=positive,
        default=2,
        metavar="N",
        help="images of the batch that both compute (default 2)",
    )
    parser.add_argument(
        "--steps",
        type=positive,
        default=1,
        metavar="N",
        help="steps of training, and updates of each optimizer (default 1)",
    )
    parser.add_argument(
        "--optimizer", type=words(OPTIMIZERS), default=(), help=f"default: all of {','.join(OPTIMIZERS)}"
    )
    parser.add_argument("--device", type=require_device_name, default="cpu", help="cpu (default) or gpu:N")
    parser.add_argument(
        "--plot", type=Path, metavar="FILE", help="draw the error by depth (.png, .svg, .pdf)"
    )
    return parser.parse_args(arguments)


if __name__ == "__main__":
    cli.run(main, program=PROGRAM)
