"""The flags of benchmarks.run and benchmarks.compare, and what they ask for."""

import argparse
from collections.abc import Sequence
from dataclasses import dataclass
from itertools import product
from pathlib import Path

from backends import ENGINES, PRECISIONS
from benchmarks.arguments import natural, positive, seconds, shape, sizes, swept, words
from common import models
from common.cli import Parser, UsageError
from common.devices import require_device_name
from common.threads import available_cores

PHASES = ("infer", "train", "data", "startup")
SETTINGS = ("equalised", "as-shipped", "tuned")
LOADERS = ("common", "native")


@dataclass(frozen=True, kw_only=True)
class Case:
    """One combination of a sweep: one result row per backend."""

    phase: str
    engine: str
    precision: str
    batch_size: int

    def __str__(self) -> str:
        return f"{self.phase} {self.engine} {self.precision} batch {self.batch_size}"


@dataclass(frozen=True, kw_only=True)
class Request:
    """What a command was asked for, checked as far as that goes without a framework."""

    model: str
    num_classes: int
    input_shape: tuple[int, int, int]
    cases: tuple[Case, ...]
    device: str
    threads: int
    settings_mode: str
    warmup: int
    min_iterations: int
    min_seconds: float
    data: Path | None
    root: Path | None
    loader: str
    workers: int
    augment: bool
    seed: int
    timeout: float
    json: Path | None


def add_flags(parser: Parser) -> None:
    """Add the flags that benchmarks.run and benchmarks.compare share."""
    add_subject_flags(parser)
    parser.add_argument("--phase", type=words(PHASES), default="infer,train", help=swept(PHASES))
    parser.add_argument("--engine", type=words(ENGINES), default="eager", help=swept(ENGINES))
    parser.add_argument("--precision", type=words(PRECISIONS), default="fp32", help=swept(PRECISIONS))
    parser.add_argument("--batch-size", type=sizes, default="8", metavar="N,N", help="swept (default 8)")
    parser.add_argument("--device", default="auto", help="auto, cpu, gpu or gpu:N (default auto)")
    parser.add_argument(
        "--threads", type=positive, default=available_cores(), metavar="N", help="default: all cores"
    )
    parser.add_argument("--settings", choices=SETTINGS, default="equalised")
    parser.add_argument(
        "--warmup", type=natural, default=3, metavar="N", help="untimed steps first (default 3)"
    )
    parser.add_argument("--min-iterations", type=positive, default=10, metavar="N", help="default 10")
    parser.add_argument("--min-seconds", type=seconds, default=1.0, metavar="S", help="default 1")
    parser.add_argument(
        "--data", type=Path, metavar="LIST.txt", help="read real images inside the measured time"
    )
    parser.add_argument(
        "--root", type=Path, metavar="DIR", help="folder of the list's images (default: the list's)"
    )
    parser.add_argument(
        "--loader", choices=LOADERS, default="common", help="ours, or the framework's own DataLoader"
    )
    parser.add_argument(
        "--workers",
        type=natural,
        default=0,
        metavar="N",
        help="threads (common) or processes (native) that decode ahead (default 0)",
    )
    parser.add_argument(
        "--augment", action="store_true", help="training transforms: random resized crop and flip"
    )
    parser.add_argument("--layers", action="store_true", help="not part of this version")


def add_subject_flags(parser: Parser, *, model_required: bool = True) -> None:
    """Add the flags of every command that starts workers on a model."""
    parser.add_argument("--model", required=model_required, help=", ".join(models.MODELS))
    parser.add_argument("--num-classes", type=positive, metavar="N", help="default: the model's own")
    parser.add_argument("--input-shape", type=shape, metavar="C,H,W", help="default: the model's own")
    parser.add_argument("--seed", type=natural, default=0, metavar="N")
    parser.add_argument(
        "--timeout", type=seconds, default=600.0, metavar="S", help="of each request to a worker (600)"
    )
    parser.add_argument("--json", type=Path, metavar="FILE", help="write the results there")


def add_later_flags(parser: Parser, flags: Sequence[str]) -> None:
    """Add flags of the interface that are not built yet, so that asking for one is answered."""
    for flag in flags:
        parser.add_argument(flag, help="not part of this version")


def refuse_later_flags(options: argparse.Namespace, flags: Sequence[str]) -> None:
    """Raise UsageError if one of them is asked for."""
    for flag in flags:
        if getattr(options, flag.removeprefix("--").replace("-", "_")) is not None:
            raise UsageError(f"{flag} is not part of this version; leave it out")


def read_size(options: argparse.Namespace) -> tuple[int, tuple[int, int, int]]:
    """Number of classes and input shape: as asked for, else the model's own. Raises UsageError."""
    card = models.find(options.model)
    input_shape = options.input_shape or card.input_shape
    models.require_input(options.model, input_shape)
    return options.num_classes or card.num_classes, input_shape


def read_request(options: argparse.Namespace) -> Request:
    """Turn parsed flags into a request. Raises UsageError for what can be seen to be wrong."""
    if options.layers:
        raise UsageError("--layers is not part of this version; leave it out")
    num_classes, input_shape = read_size(options)
    if options.data is None:
        _refuse_without_data(options)
    combinations = product(options.engine, options.precision, options.batch_size, options.phase)
    return Request(
        model=options.model,
        num_classes=num_classes,
        input_shape=input_shape,
        cases=tuple(
            Case(phase=phase, engine=engine, precision=precision, batch_size=batch_size)
            for engine, precision, batch_size, phase in combinations
        ),
        device=require_device_name(options.device),
        threads=options.threads,
        settings_mode=options.settings,
        warmup=options.warmup,
        min_iterations=options.min_iterations,
        min_seconds=options.min_seconds,
        data=options.data and options.data.absolute(),  # the worker starts in another folder
        root=options.root and options.root.absolute(),
        loader=options.loader,
        workers=options.workers,
        augment=options.augment,
        seed=options.seed,
        timeout=options.timeout,
        json=options.json,
    )


def _refuse_without_data(options: argparse.Namespace) -> None:
    if "data" in options.phase:
        raise UsageError("--phase data reads images; name them with --data LIST.txt")
    if options.root is not None or options.workers or options.augment or options.loader != "common":
        raise UsageError(
            "--root, --workers, --augment and --loader say how to read --data LIST.txt; give that too"
        )


def missing_part(request: Request, case: Case) -> str | None:
    """Why a combination is not part of this version of the harness, or None if it is."""
    if case.phase == "startup":
        return f"phase {case.phase!r} is not part of this version; choose --phase infer,train,data"
    if request.settings_mode != "equalised":
        return f"settings {request.settings_mode!r} are not part of this version; choose --settings equalised"
    return None
