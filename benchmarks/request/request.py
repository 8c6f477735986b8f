"""Requests of benchmarks.run and benchmarks.compare, checked."""

import argparse
from dataclasses import dataclass, replace
from itertools import product
from pathlib import Path

from backends import ENGINES, PRECISIONS
from benchmarks.request.case import Case
from benchmarks.request.job import ImageSource
from common import dataset, model_cards
from common.cli import UsageError
from common.engines.kinds import ENGINE_KINDS
from common.runtime.devices import available_cores, require_device_name

PHASES = ("infer", "train", "data", "startup")
SETTINGS = ("equalised", "as-shipped", "tuned")
LOADERS = ("common", "native")
LAYOUTS = ("NCHW", "NHWC")
REFERENCES = tuple(kind.name for kind in ENGINE_KINDS.values() if kind.neutral)
FEWEST_ROUNDS = 4  # an interval from fewer rounds would be a guess
TUNED_PRECISIONS = ("fp32", "tf32", "bf16", "fp16")


@dataclass(frozen=True, kw_only=True)
class Request:
    """Request of a command, checked as far as that goes without a framework."""

    model: str
    num_classes: int
    input_shape: tuple[int, int, int]
    cases: tuple[Case, ...]
    candidates: tuple[Case, ...]  # what "tuned" chooses among; else the cases themselves
    device: str
    settings_mode: str
    max_error: float
    layers: bool
    price_per_hour: float | None
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
    grouped: bool = False  # whether numbers of processes were asked for

    @property
    def threads(self) -> int:
        """The most threads that any case computes with."""
        return max(case.threads for case in self.cases)


def read_size(options: argparse.Namespace) -> tuple[int, tuple[int, int, int]]:
    """Number of classes and input shape: as asked for, else the model's own. Raises UsageError."""
    card = model_cards.find(options.model)
    input_shape = options.input_shape or card.input_shape
    model_cards.require_input(options.model, input_shape)
    return options.num_classes or card.num_classes, input_shape


def read_request(options: argparse.Namespace) -> Request:
    """Turn parsed flags into a request. Raises UsageError for what can be seen to be wrong."""
    num_classes, input_shape = read_size(options)
    if options.data is None:
        _refuse_without_data(options)
    if options.processes is not None:
        _refuse_in_groups(options)
    candidates = _combinations(options)
    cases = candidates
    if options.settings == "tuned":  # one for each phase and batch size: the rest is searched
        cases = tuple({(case.phase, case.batch_size): case for case in reversed(candidates)}.values())[::-1]
    if options.reference:
        cases += _reference_cases(cases, options)
    return Request(
        model=options.model,
        num_classes=num_classes,
        input_shape=input_shape,
        cases=cases,
        candidates=candidates,
        device=require_device_name(options.device),
        settings_mode=options.settings,
        max_error=options.max_error,
        layers=options.layers,
        price_per_hour=options.price_per_hour,
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
        grouped=options.processes is not None,
    )


def _combinations(options: argparse.Namespace) -> tuple[Case, ...]:
    """Every combination of the swept flags, with defaults for those that were not given."""
    everything = options.settings == "tuned"
    groups = options.processes or (1,)
    cores = max(1, available_cores() // max(groups))  # of each process: the same in groups of any size
    fewer = tuple(dict.fromkeys((cores, max(1, cores // 2), 1))) if everything else (cores,)
    combinations = product(
        groups,
        options.threads or fewer,
        options.layout or (LAYOUTS if everything else LAYOUTS[:1]),
        options.engine or (ENGINES if everything else ENGINES[:1]),
        options.precision or (TUNED_PRECISIONS if everything else PRECISIONS[:1]),
        options.batch_size,
        options.phase,
    )
    return tuple(
        Case(
            phase=phase,
            engine=engine,
            precision=precision,
            batch_size=batch_size,
            threads=threads,
            layout=layout,
            processes=processes,
        )
        for processes, threads, layout, engine, precision, batch_size, phase in combinations
    )


def _reference_cases(cases: tuple[Case, ...], options: argparse.Namespace) -> tuple[Case, ...]:
    """Cases of the reference: inference, wherever a case infers. UsageError where none does."""
    found = [
        replace(case, engine=options.reference, precision="fp32", layout="NCHW")
        for case in cases
        if case.phase == "infer"
    ]
    if not found:
        raise UsageError(f"--reference {options.reference}: it infers; ask for --phase infer, too")
    return tuple(dict.fromkeys(found))


def _refuse_without_data(options: argparse.Namespace) -> None:
    if "data" in options.phase:
        raise UsageError("--phase data reads images; name them with --data LIST.txt")
    if options.root is not None or options.workers or options.augment or options.loader != "common":
        raise UsageError(
            "--root, --workers, --augment and --loader say how to read --data LIST.txt; give that too"
        )


def _refuse_in_groups(options: argparse.Namespace) -> None:
    for flag, given in (
        ("--settings tuned", options.settings == "tuned"),
        ("--layers", options.layers),
        ("--data", options.data is not None),
    ):
        if given:
            raise UsageError(f"{flag} is for one process; leave out --processes, or {flag}")
    if max(options.processes) > 1 and ":" in options.device:
        raise UsageError(f"--device {options.device} is one GPU, and each process needs its own; say gpu")


def require_data(request: Request) -> None:
    """Raise UsageError now if the list or an image that it names cannot be read as asked."""
    if request.data is not None:
        index = dataset.read_list(request.data, root=request.root)
        dataset.require_images(index)
        dataset.require_labels(index, num_classes=request.num_classes)


def image_source(request: Request) -> ImageSource | None:
    """Source of images for workers; None where no list is named."""
    if request.data is None:
        return None
    return ImageSource(
        list=str(request.data),
        root=str(request.root) if request.root else None,
        input_shape=request.input_shape,
        loader=request.loader,
        workers=request.workers,
        augment=request.augment,
        seed=request.seed,
    )
