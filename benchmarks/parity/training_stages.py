"""Optimizers on equal gradients, and training that runs free."""

from collections.abc import Sequence
from dataclasses import replace
from math import cos, pi
from typing import Any

import numpy as np

from backends import OPTIMIZERS
from benchmarks.parity import roundings
from benchmarks.parity.bench import Bench, chunks
from benchmarks.parity.folder import TensorFolder
from benchmarks.parity.gaps import FAIL, TOLERANCE, Gap, compare, excuse, missing
from benchmarks.parity.localisation import Suspect
from benchmarks.parity.reproductions import rounded_value
from benchmarks.parity.stage import Stage

LEARNING_RATE = 1e-3
WEIGHT_DECAY = 1e-2  # on, so that one that is missing somewhere is seen
CHUNK_BYTES = 300 * 2**20
SMALL = 1_000_000  # parameters up to which many optimizer steps cost nothing
STEPS_IF_SMALL, STEPS_IF_LARGE = 20, 2  # at least: in the first step a momentum does nothing yet
FREE_RUNNING = {"lenet5": 1e-10}  # relative L2 after 100 steps; measured 9e-15 with Adam
FREE_RUNNING_OTHERS = 1e-8  # of AlexNets after 20 steps; Adam divides tiny gradients by their tiny size
FOR_LARGE = ("adam",)  # it keeps the most; each further one costs an AlexNet 10 s
TRAINING_SPREADS = 10  # how many times its size a rounding may grow to in training
OWN = "own"  # what the user's own optimizer is called


def optimizer_stage(bench: Bench, *, names: Sequence[str], steps: int) -> Stage:
    """The same NumPy gradients to both: parameters, what the optimizer keeps, and the learning rates."""
    small = bench.parameters() <= SMALL
    steps = max(steps, STEPS_IF_SMALL if small else STEPS_IF_LARGE)
    _draw_gradients(bench)
    gaps: list[Gap] = []
    for name in names:
        own = _compare_optimizer(bench, name, steps=steps)
        if name == OWN and any(gap.verdict == FAIL for gap in own):
            own = _excuse_hyper_parameters(bench, own, steps=steps)
        gaps += own
    bench.folder("drawn")
    return _with_suspect(
        bench, Stage(name="optimizer", gaps=gaps, facts={"steps": steps, "optimizers": [*names]})
    )


def training_stage(bench: Bench, *, names: Sequence[str], steps: int, keys: Sequence[str] = ()) -> Stage:
    """Training on the batch over and over, each side on its own gradients, with equal masks.

    ``keys`` are the known roundings that the layers can show.
    """
    tolerance = FREE_RUNNING.get(bench.subject.model, FREE_RUNNING_OTHERS)
    gaps: list[Gap] = []
    for name in names:
        own, theirs = _train_both(bench, name, steps=steps, tolerance=tolerance)
        reproduced = [*keys, *(["hyper-parameters"] if name == OWN else [])]
        if reproduced and any(gap.verdict == FAIL for gap in own):
            again, _ = _train_both(
                bench, name, steps=steps, tolerance=tolerance, rounding=reproduced, theirs=theirs
            )
            constant, bound = roundings.constants(reproduced), roundings.bound(reproduced) * TRAINING_SPREADS
            own = [
                gap if gap.passed else excuse(gap, repeated, constant=constant, bound=bound)
                for gap, repeated in zip(own, again, strict=True)
            ]
        gaps += own
    facts = {"steps": steps, "optimizers": [*names]}
    return _with_suspect(bench, Stage(name="training", tolerance=tolerance, gaps=gaps, facts=facts))


def _train_both(
    bench: Bench,
    name: str,
    *,
    steps: int,
    tolerance: float,
    rounding: Sequence[str] = (),
    theirs: Sequence[float] = (),
) -> tuple[list[Gap], Sequence[float]]:
    """Losses and parameters; with a rounding torch alone trains again, paddle's losses are ``theirs``."""
    losses = {"paddle": theirs}
    for side in ("torch",) if rounding else ("torch", "paddle"):
        _start(bench, side, name, rounding=bool(rounding))
        losses[side] = bench.ask(
            side,
            "train",
            batch=bench.path("batch"),
            steps=steps,
            rates=None if name == OWN else _rates(steps),
            masks=bench.path(f"masks-{side}"),
            rounding=[key for key in rounding if key != "hyper-parameters"],
        )
    ours, others = (np.array(losses[side]) for side in ("torch", "paddle"))
    gaps = [compare(f"{name}: losses", ours, others, tolerance=tolerance)]
    return gaps + _compare_state(bench, name, tolerance=tolerance, moments=False), losses["paddle"]


def optimizer_names(bench: Bench, asked: Sequence[str]) -> list[str]:
    """The user's own, else those that were asked for, else all, or for a large model one."""
    if bench.subject.has("optimizer"):
        return [OWN]
    return list(asked or (OPTIMIZERS if bench.parameters() <= SMALL else FOR_LARGE))


def _compare_optimizer(bench: Bench, name: str, *, steps: int, rounding: bool = False) -> list[Gap]:
    rates = {}
    for side in ("torch", "paddle"):
        _start(bench, side, name, rounding=rounding and side == "torch")
        rates[side] = bench.ask(
            side,
            "apply_gradients",
            source=bench.path("drawn"),
            steps=steps,
            rates=None if name == OWN else _rates(steps),
        )
    ours, theirs = (np.array(rates[side]) for side in ("torch", "paddle"))
    tolerance = TOLERANCE if name != OWN else 1e-7  # a schedule's rate may be kept in float32
    return [
        compare(f"{name}: learning rates", ours, theirs, tolerance=tolerance),
        *_compare_state(bench, name, tolerance=TOLERANCE),
    ]


def _excuse_hyper_parameters(bench: Bench, gaps: Sequence[Gap], *, steps: int) -> list[Gap]:
    """The user's optimizer has hyper-parameters as they are; paddle keeps some of them in float32."""
    again = {gap.name: gap for gap in _compare_optimizer(bench, OWN, steps=steps, rounding=True)}
    key = ["hyper-parameters"]
    return [
        gap
        if gap.passed or gap.name.endswith("learning rates") or gap.name not in again
        else excuse(gap, again[gap.name], constant=roundings.constants(key), bound=roundings.bound(key))
        for gap in gaps
    ]


def _start(bench: Bench, side: str, name: str, *, rounding: bool = False) -> None:
    bench.ask(side, "load", source=bench.path("weights"))
    settings = {
        "learning_rate": rounded_value(LEARNING_RATE),
        "momentum": rounded_value(0.9),
        "beta1": rounded_value(0.9),
        "beta2": rounded_value(0.999),
        "epsilon": rounded_value(1e-8),
        "weight_decay": rounded_value(WEIGHT_DECAY),
    }
    optimizer = None if name == OWN else name
    bench.ask(side, "start_training", optimizer=optimizer, settings=settings, rounding=rounding)


def _rates(steps: int) -> list[float]:
    """A schedule, so that a rate that is not applied is seen: half a cosine, another rate each step."""
    return [rounded_value(LEARNING_RATE * (1 + cos(pi * step / (steps + 1))) / 2) for step in range(steps)]


def _draw_gradients(bench: Bench) -> None:
    """One gradient for each parameter, of sizes from 1e-6 up, as real ones are."""
    folder = bench.folder("drawn")
    for place, entry in enumerate(bench.described["torch"]["parameters"]):
        rng = np.random.default_rng((bench.subject.seed, place))
        drawn = rng.standard_normal(entry["shape"], dtype=np.float32)
        folder.add(entry["name"], drawn * np.float32(10.0 ** (place % 7 - 6)))


def _compare_state(bench: Bench, name: str, *, tolerance: float, moments: bool = True) -> list[Gap]:
    """Parameters, then each kind of moment, in parts that fit on the disk."""
    entries = bench.described["torch"]["parameters"]
    sizes = [int(np.prod(entry["shape"])) * 8 for entry in entries]
    kinds = ["parameters"]
    if moments:
        told = [bench.ask(side, "kinds_of_state") for side in ("torch", "paddle")]
        kinds += sorted({*told[0], *told[1]})
    gaps = []
    for kind in kinds:
        for part in chunks([entry["name"] for entry in entries], sizes, limit=CHUNK_BYTES):
            bench.ask_both("training_state", target=lambda side: f"state-{side}", names=part, kind=kind)
            ours, theirs = (TensorFolder(bench.path(f"state-{side}")) for side in ("torch", "paddle"))
            for parameter in part:
                title = f"{name}: {parameter}" + ("" if kind == "parameters" else f"/{kind}")
                gaps += _compare_parameter(title, parameter, ours, theirs, tolerance=tolerance)
            ours.clear()
            theirs.clear()
    return gaps


def _compare_parameter(
    title: str, parameter: str, ours: TensorFolder, theirs: TensorFolder, *, tolerance: float
) -> list[Gap]:
    present = parameter in ours, parameter in theirs
    if all(present):
        arrays = (np.asarray(folder.load(parameter), np.float64) for folder in (ours, theirs))
        return [compare(title, *arrays, tolerance=tolerance)]
    if not any(present) or not (ours if present[0] else theirs).load(parameter).any():
        return []  # zeros that one side has not written down yet
    return [missing(title, note=f"{'paddle' if present[0] else 'torch'} keeps none", tolerance=tolerance)]


def _with_suspect(bench: Bench, stage: Stage) -> Stage:
    """The layer of the first parameter that failed; rates and losses have none."""
    owners = {entry["name"]: entry for entry in bench.described["torch"]["parameters"]}
    first = next((gap for gap in stage.gaps if gap.verdict == FAIL), None)
    if first is not None:
        failed = [gap for gap in stage.gaps if gap.verdict == FAIL]
        named = [gap for gap in failed if _parameter_of(gap) in owners]
        share = f"{len({_parameter_of(gap) for gap in named})} of {len(owners)} parameters depart"
        entry: dict[str, Any] = owners[_parameter_of(named[0])] if named else {}
        is_one = first in named or first.name.endswith("losses")
        layer = entry.get("layer") if is_one and len(named) < len(owners) else None
        stage.first = named[0] if layer else first
        stage.suspect = Suspect(layer=layer, relative_l2=first.relative_l2, path=share, base=None)
        stage.gaps = [replace(gap) for gap in stage.gaps]
    return stage


def _parameter_of(gap: Gap) -> str:
    return gap.name.partition(": ")[2].partition("/")[0]
