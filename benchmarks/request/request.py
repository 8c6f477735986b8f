"""Requests of benchmarks.run and benchmarks.compare, checked."""

import argparse
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, fields, replace
from itertools import product
from pathlib import Path
from typing import Any

from backends import ENGINES, PRECISIONS
from benchmarks.request.case import Case
from benchmarks.request.model_pair import ModelPair
from benchmarks.request.own_pair import read_own_pair
from benchmarks.request.service import PHASES as SERVICE_PHASES
from benchmarks.request.service import SERVE, SOAK, ServePlan, SoakPlan, read_plans
from common import model_cards
from common.cli import UsageError
from common.engines.int8 import INT8
from common.engines.kinds import ENGINE_KINDS
from common.input_spec import InputSpec
from common.runtime.devices import available_cores, require_device_name

PHASES = ("infer", "train", "data", "startup")
SETTINGS = ("equalised", "as-shipped", "tuned")
LOADERS = ("common", "native")
LAYOUTS = ("NCHW", "NHWC")
REFERENCES = tuple(kind.name for kind in ENGINE_KINDS.values() if kind.neutral)
WARMUP = 3  # untimed steps, unless they are slow or another number is asked for
DEFAULT_MARGIN = 5.0  # percent, within which two sides are equal
FEWEST_ROUNDS = 4  # an interval from fewer rounds would be a guess
TUNED_PRECISIONS = ("fp32", "tf32", "bf16", "fp16")


@dataclass(frozen=True, kw_only=True)
class Request:
    """Request of a command, checked as far as that goes without a framework.

    A flag whose name is a field's is copied as it is, and has its default from here: each is described
    once, in ``flags``. A command that lacks a flag has the default.
    """

    model: str
    num_classes: int
    input_shape: tuple[int, int, int]
    cases: tuple[Case, ...]
    candidates: tuple[Case, ...]  # what "tuned" chooses among; else the cases themselves
    device: str = "auto"
    settings_mode: str = "equalised"
    max_error: float = 1e-3
    reference: str | None = None
    layers: bool = False
    price_per_hour: float | None = None
    warmup: int | None = None  # untimed steps; None: WARMUP, fewer of slow ones
    min_iterations: int = 10
    min_seconds: float = 1.0
    data: Path | None = None
    root: Path | None = None
    calibrate: Path | None = None
    # Of the images of ``calibrate``; None: those of evaluation_preprocessing.
    mean: tuple[float, ...] | None = None
    std: tuple[float, ...] | None = None
    loader: str = "common"
    workers: int = 0
    augment: bool = False
    seed: int = 0
    timeout: float = 600.0
    json: Path | None = None
    largest_batch: int | None = None  # bytes of memory that it has to stay below
    grouped: bool = False  # whether numbers of processes were asked for
    serve: ServePlan | None = None  # of phase serve, where it was asked for
    soak: SoakPlan | None = None
    # Of models that are not ours; see ModelPair.
    sources: Mapping[str, str] = field(default_factory=dict)
    arguments: Mapping[str, Any] = field(default_factory=dict)
    names: Mapping[str, Any] = field(default_factory=dict)
    folder: str = ""
    weights: Path | None = None
    plugins: Mapping[str, Mapping[str, str]] = field(default_factory=dict)
    output: str = ""
    inputs: tuple[InputSpec, ...] = ()

    @property
    def pair(self) -> ModelPair:
        """The models, one or both sides of them."""
        own = ["model", "num_classes", "input_shape", "seed", "sources", "arguments", "names", "folder"]
        own += ["plugins", "output", "inputs"]
        return ModelPair(**{name: getattr(self, name) for name in own})

    @property
    def threads(self) -> int:
        """The most threads that any case computes with."""
        return max(case.threads for case in self.cases)


def read_size(options: argparse.Namespace) -> tuple[int, tuple[int, int, int]]:
    """Number of classes and input shape: as asked for, else the model's own.

    Raises UsageError.
    """
    card = model_cards.find(options.model)
    input_shape = options.input_shape or card.input_shape
    model_cards.require_input(options.model, input_shape)
    return options.num_classes or card.num_classes, input_shape


def read_request(options: argparse.Namespace) -> Request:
    """Turn parsed flags into a request.

    Raises UsageError for what can be seen to be wrong.
    """
    models = read_own_pair(options)
    if models is None:
        models = dict(zip(("num_classes", "input_shape"), read_size(options), strict=True))
    flags = {each.name: getattr(options, each.name) for each in fields(Request) if each.name in options}
    serve, soak = read_plans(options, options.phase, side=models["input_shape"][-1])
    candidates = _combinations(options, serve)
    request = Request(
        **flags
        | models
        | {
            "cases": candidates,
            "candidates": candidates,
            "serve": serve,
            "soak": soak,
            "grouped": getattr(options, "processes", None) is not None,
        }
    )
    _refuse_images(request)
    _refuse_without_data(request)
    _refuse_in_groups(request)
    _refuse_uncalibrated(request)
    _refuse_in_service(request)
    _refuse_beside(request)
    require_device_name(request.device)
    cases = candidates
    if request.settings_mode == "tuned":  # one for each phase and batch size: the rest is searched
        cases = tuple({(case.phase, case.batch_size): case for case in reversed(candidates)}.values())[::-1]
    if request.reference:
        cases += _reference_cases(cases, request.reference)
    # The worker starts in another folder.
    data, root, calibrate = (
        path and path.absolute() for path in (request.data, request.root, request.calibrate)
    )
    return replace(request, cases=cases, data=data, root=root, calibrate=calibrate)


def _combinations(options: argparse.Namespace, serve: ServePlan | None) -> tuple[Case, ...]:
    """Every combination of the swept flags, with defaults for those that were not given.

    In phase serve, the largest batch is the batch size, and its workers share the cores.
    """
    everything = options.settings_mode == "tuned"
    groups = getattr(options, "processes", None) or (1,)
    cores = max(1, available_cores() // max(groups))  # of each process: the same in groups of any size
    fewer = tuple(dict.fromkeys((cores, max(1, cores // 2), 1))) if everything else (cores,)
    combinations = product(
        groups,
        getattr(options, "beside", None) or (0,),
        options.threads or fewer,
        options.layout or (LAYOUTS if everything else LAYOUTS[:1]),
        options.engine or (ENGINES if everything else ENGINES[:1]),
        options.precision or (TUNED_PRECISIONS if everything else PRECISIONS[:1]),
        options.batch_size,
        options.phase,
    )
    cases = (
        Case(
            phase=phase,
            engine=engine,
            precision=precision,
            batch_size=batch_size,
            threads=threads,
            layout=layout,
            processes=processes,
            beside=beside,
        )
        for processes, beside, threads, layout, engine, precision, batch_size, phase in combinations
    )
    return tuple(dict.fromkeys(_serving(case, serve, shared=not options.threads) for case in cases))


def _serving(case: Case, serve: ServePlan | None, *, shared: bool) -> Case:
    if case.phase != SERVE or serve is None:
        return case
    threads = max(1, case.threads // serve.serve_threads) if shared else case.threads
    return replace(case, batch_size=serve.serve_batch, threads=threads)


def _reference_cases(cases: tuple[Case, ...], reference: str) -> tuple[Case, ...]:
    """Cases of the reference: inference, wherever a case infers. UsageError where none does."""
    found = [
        replace(case, engine=reference, precision=INT8 if case.precision == INT8 else "fp32", layout="NCHW")
        for case in cases
        if case.phase in ("infer", SERVE)
    ]
    if not found:
        raise UsageError(f"--reference {reference}: it infers; ask for --phase infer or serve, too")
    return tuple(dict.fromkeys(found))


def _refuse_images(request: Request) -> None:
    """Refuse real images for a pair that takes other inputs."""
    for flag, given in (("--data", request.data), ("--calibrate", request.calibrate)):
        if request.inputs and given is not None:
            raise UsageError(f"{flag} names images, and this pair takes other inputs; leave it out")


def _refuse_without_data(request: Request) -> None:
    if request.data is not None:
        return
    if any(case.phase == "data" for case in request.cases):
        raise UsageError("--phase data reads images; name them with --data LIST.txt")
    if request.root is not None or request.workers or request.augment or request.loader != "common":
        raise UsageError(
            "--root, --workers, --augment and --loader say how to read --data LIST.txt; give that too"
        )


def _refuse_in_groups(request: Request) -> None:
    if not request.grouped:
        return
    for flag, given in (
        ("--settings tuned", request.settings_mode == "tuned"),
        ("--layers", request.layers),
        ("--data", request.data is not None),
    ):
        if given:
            raise UsageError(f"{flag} is for one process; leave out --processes, or {flag}")
    if max(case.processes for case in request.cases) > 1 and ":" in request.device:
        raise UsageError(f"--device {request.device} is one GPU, and each process needs its own; say gpu")


def _refuse_uncalibrated(request: Request) -> None:
    """Refuse int8 without images, and what int8 was not looked at with."""
    asked = any(case.precision == INT8 for case in request.cases)
    for flag, values in (("--mean", request.mean), ("--std", request.std)):
        if values is not None and request.calibrate is None:
            raise UsageError(f"{flag} is of the images of --calibrate; give that, too")
    if not asked and request.calibrate is None:
        return
    if request.calibrate is None:
        raise UsageError("--precision int8 is calibrated on real images; name them with --calibrate LIST.txt")
    if not asked:
        raise UsageError("--calibrate is for --precision int8; ask for that, too")
    _refuse_together(request, "--precision int8", phases=("infer",))


def _refuse_beside(request: Request) -> None:
    """Refuse neighbours where they would be no neighbours of what is timed, or were not looked at."""
    if not any(case.beside for case in request.cases):
        return
    _refuse_together(request, "--beside", phases=("infer", "train"))


def _refuse_together(request: Request, asked: str, *, phases: Sequence[str]) -> None:
    """Refuse what ``asked`` was not looked at with: other phases, tuning, groups, a search for a size."""
    others = [case.phase for case in request.cases if case.phase not in phases]
    for flag, given in (
        (f"--phase {', '.join(dict.fromkeys(others))}", bool(others)),
        ("--settings tuned", request.settings_mode == "tuned"),
        ("--processes", request.grouped),
        ("--largest-batch", request.largest_batch is not None),
    ):
        if given:
            raise UsageError(f"{flag} does not go with {asked}; leave one of them out")


def _refuse_in_service(request: Request) -> None:
    """Refuse what the phases serve and soak cannot be combined with."""
    asked = [phase for phase in SERVICE_PHASES if any(case.phase == phase for case in request.cases)]
    if not asked:
        return
    for flag, given in (
        ("--settings tuned", request.settings_mode == "tuned"),
        ("--data", request.data is not None),
        ("--processes", request.grouped),
    ):
        if given:
            raise UsageError(f"{flag} does not go with --phase {asked[0]}; measure that by itself")
    if SOAK in asked and len({case.batch_size for case in request.cases if case.phase == SOAK}) > 1:
        raise UsageError("--phase soak draws its batches from 1 to --batch-size: give one number")
