"""Do both frameworks compute the same? float64 decides, float32 is described.

    python -m benchmarks.parity --model lenet5
    python -m benchmarks.parity --torch mine:net --paddle mine:twin --input-shape 3,32,32 --num-classes 10

Both sides get equal weights and images. A tensor passes if the sides are at most 1e-12 of its length apart
(relative L2) in float64. A larger gap that comes from a constant which paddle keeps in float32 passes only if
torch, given the same rounded constant, agrees to 1e-12.
"""

import argparse
import os
from collections.abc import Sequence
from typing import TYPE_CHECKING, Any

from backends import NAMES, OPTIMIZERS
from benchmarks.request.flags import add_subject_flags
from benchmarks.request.request import read_size
from common import cli
from common.cli import UnavailableError, UsageError
from common.files import require_writable
from common.flags import positive, words
from common.runtime.devices import available_cores, require_device_name

if TYPE_CHECKING:
    from pathlib import Path

    from benchmarks.request.model_pair import ModelPair

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
    from benchmarks.parity import text
    from benchmarks.results import result_file

    report = check(options, subject)
    if options.json:
        result_file.write(report, options.json)
    if options.plot:
        _draw(report, options.plot)
    print(text.report_text(report, subject))
    if report["verdict"] == "pass":
        return cli.DONE
    cli.complain(PROGRAM, text.failure(report))
    return cli.FAILED if report["verdict"] == "fail" else cli.WRONG_REQUEST


def check(options: argparse.Namespace, subject: "ModelPair") -> dict[str, Any]:
    """Run every stage on two workers; returns what ``--json`` writes."""
    from benchmarks.manager.environment import cpu_model, describe
    from benchmarks.manager.scratch import scratch_folder
    from benchmarks.manager.worker_process import Worker, WorkerFailure
    from benchmarks.parity.comparison import Plan, run_parity
    from benchmarks.results.schema import SCHEMA_VERSION
    from common.cli import progress

    plan = Plan(steps=options.steps, optimizers=options.optimizer)
    # Both compute at once, on half of the cores each: much of it is not spread over threads anyway.
    settings: dict[str, Any] = {"threads": max(1, available_cores() // 2), "timeout": options.timeout}
    try:
        with (
            scratch_folder() as scratch,
            Worker("torch", scratch=scratch, keeps_memory=True, **settings) as torch_side,
            Worker("paddle", scratch=scratch, keeps_memory=True, **settings) as paddle_side,
            progress(total=len(plan.stages)) as bar,
        ):
            sides = (torch_side, paddle_side)

            def on_stage(stage: str) -> None:
                bar.set_description(stage)
                bar.update()

            cpu_model()  # takes a second, while the workers import their frameworks
            versions = {name: side.ask("versions") for name, side in zip(NAMES, sides, strict=True)}
            report = run_parity(
                *sides,
                subject=subject,
                scratch=scratch,
                plan=plan,
                device=options.device,
                on_stage=on_stage,
                together=True,
            )
    except WorkerFailure as failure:
        raise UnavailableError(f"{failure.backend}: {failure.status}: {failure.reason}") from None
    return {"schema_version": SCHEMA_VERSION, **report, "environment": describe(os.environ, versions)}


def _subject(options: argparse.Namespace) -> "ModelPair":
    from pathlib import Path

    from benchmarks.parity.text import read_names
    from benchmarks.request.model_pair import ModelPair

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
        names=read_names(options.map) if options.map else {},
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


def _draw(report: dict[str, Any], path: "Path") -> None:
    from benchmarks.parity.plot import draw

    draw(report, path)


def _parse(arguments: Sequence[str]) -> argparse.Namespace:
    from pathlib import Path

    parser = cli.Parser(prog=PROGRAM, description="Compare what both frameworks compute.")
    add_subject_flags(parser, model_required=False)
    for name in NAMES:
        text = f"MODULE:CALLABLE in this folder: () -> a {name} model from images to logits"
        parser.add_argument(f"--{name}", metavar="M:C", help=text)
    for role, text in ROLES.items():
        for name in NAMES:
            parser.add_argument(f"--{name}-{role}", metavar="M:C", help=text)
    parser.add_argument("--map", type=Path, metavar="FILE.json", help="torch's names to paddle's")
    parser.add_argument("--batch-size", type=positive, default=2, metavar="N", help="default 2")
    parser.add_argument(
        "--steps", type=positive, default=1, metavar="N", help="of training, and at least so many updates"
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
