"""The flags of benchmarks.run and benchmarks.compare, and what they ask for."""

import argparse
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from itertools import product
from pathlib import Path

from backends import ENGINES, PRECISIONS
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
    seed: int
    timeout: float
    json: Path | None


def add_flags(parser: Parser) -> None:
    """Add the flags that both commands share."""
    parser.add_argument("--model", required=True, help=", ".join(models.MODELS))
    parser.add_argument("--phase", type=_words(PHASES), default="infer,train", help=_swept(PHASES))
    parser.add_argument("--engine", type=_words(ENGINES), default="eager", help=_swept(ENGINES))
    parser.add_argument("--precision", type=_words(PRECISIONS), default="fp32", help=_swept(PRECISIONS))
    parser.add_argument("--batch-size", type=_sizes, default="8", metavar="N,N", help="swept (default 8)")
    parser.add_argument("--device", default="auto", help="auto, cpu, gpu or gpu:N (default auto)")
    parser.add_argument("--threads", type=_positive, default=available_cores(), metavar="N", help="default: all cores")
    parser.add_argument("--settings", choices=SETTINGS, default="equalised")
    parser.add_argument("--warmup", type=_natural, default=3, metavar="N", help="untimed steps first (default 3)")
    parser.add_argument("--min-iterations", type=_positive, default=10, metavar="N", help="default 10")
    parser.add_argument("--min-seconds", type=_seconds, default=1.0, metavar="S", help="default 1")
    parser.add_argument("--num-classes", type=_positive, metavar="N", help="default: the model's own")
    parser.add_argument("--input-shape", type=_shape, metavar="C,H,W", help="default: the model's own")
    parser.add_argument("--data", type=Path, metavar="LIST.txt", help="read real images inside the measured time")
    parser.add_argument("--root", type=Path, metavar="DIR", help="folder of the list's images (default: the list's)")
    parser.add_argument("--loader", choices=LOADERS, default="common")
    parser.add_argument("--workers", type=_natural, default=0, metavar="N", help="threads that decode ahead (default 0)")
    parser.add_argument("--layers", action="store_true", help="not part of this version")
    parser.add_argument("--seed", type=_natural, default=0, metavar="N")
    parser.add_argument("--timeout", type=_seconds, default=600.0, metavar="S", help="of each request to a worker (600)")
    parser.add_argument("--json", type=Path, metavar="FILE", help="write the results there")


def read_request(options: argparse.Namespace) -> Request:
    """Turn parsed flags into a request. Raises UsageError for what can be seen to be wrong."""
    if options.layers:
        raise UsageError("--layers is not part of this version; leave it out")
    card = models.find(options.model)
    input_shape = options.input_shape or card.input_shape
    models.require_input(options.model, input_shape)
    if options.data is None and (options.root is not None or options.workers):
        raise UsageError("--root and --workers say how to read --data LIST.txt; give that too")
    combinations = product(options.engine, options.precision, options.batch_size, options.phase)
    return Request(
        model=options.model,
        num_classes=options.num_classes or card.num_classes,
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
        seed=options.seed,
        timeout=options.timeout,
        json=options.json,
    )


def missing_part(request: Request, case: Case) -> str | None:
    """Why a combination is not part of this version of the harness, or None if it is."""
    if case.phase not in ("infer", "train"):
        return f"phase {case.phase!r} is not part of this version; choose --phase infer,train"
    if request.settings_mode != "equalised":
        return f"settings {request.settings_mode!r} are not part of this version; choose --settings equalised"
    if request.loader != "common":
        return f"loader {request.loader!r} is not part of this version; choose --loader common"
    return None


def _swept(words: Sequence[str]) -> str:
    return f"swept: {','.join(words)}"


def _words(allowed: Sequence[str]) -> Callable[[str], tuple[str, ...]]:
    def parse(text: str) -> tuple[str, ...]:
        words = tuple(dict.fromkeys(text.split(",")))
        for word in words:
            if word not in allowed:
                raise argparse.ArgumentTypeError(f"unknown {word!r}; choose among {','.join(allowed)}")
        return words

    return parse


def _sizes(text: str) -> tuple[int, ...]:
    return tuple(dict.fromkeys(_positive(word) for word in text.split(",")))


def _shape(text: str) -> tuple[int, ...]:
    sizes = tuple(_positive(word) for word in text.split(","))
    if len(sizes) != 3 or sizes[0] not in (1, 3):
        raise argparse.ArgumentTypeError(f"expected C,H,W with 1 or 3 channels, as in 3,224,224, got {text!r}")
    return sizes


def _positive(text: str) -> int:
    return _whole(text, least=1)


def _natural(text: str) -> int:
    return _whole(text, least=0)


def _whole(text: str, *, least: int) -> int:
    try:
        number = int(text)
    except ValueError:
        number = least - 1
    if number < least:
        raise argparse.ArgumentTypeError(f"expected a whole number from {least}, got {text!r}")
    return number


def _seconds(text: str) -> float:
    try:
        seconds = float(text)
    except ValueError:
        seconds = -1
    if not 0 <= seconds < float("inf"):
        raise argparse.ArgumentTypeError(f"expected a number of seconds, got {text!r}")
    return seconds
