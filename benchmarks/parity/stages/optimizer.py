"""Optimizers on equal gradients."""

from collections.abc import Sequence
from dataclasses import replace
from math import cos, pi
from typing import Any

import numpy as np

from backends import NAMES, OPTIMIZERS
from benchmarks.parity.judge import sentences
from benchmarks.parity.judge.gap import FAIL, TOLERANCE, Gap, as_difference, compare, excuse, missing
from benchmarks.parity.judge.localization import Suspect
from benchmarks.parity.probe.rounded import rounded_value
from benchmarks.parity.probe.training import draw
from benchmarks.parity.sides.pair import Pair, chunks
from benchmarks.parity.stages.stage import Stage
from benchmarks.parity.tensors import known_roundings
from benchmarks.parity.tensors.known_differences import join_differences
from benchmarks.parity.tensors.tensor_folder import TensorFolder

LEARNING_RATE = 1e-3
WEIGHT_DECAY = 1e-2  # on, so that one that is missing somewhere is seen
CHUNK_BYTES = 300 * 2**20
SQUARES_BOUND = 1e-4  # 1.3e-5 with beta2 = 0.999
OWN = "own"  # what the user's own optimizer is called


def start(
    pair: Pair,
    name: str,
    *,
    rounding: bool = False,
    paddles_rule: bool = False,
    among: Sequence[str] = NAMES,
) -> None:
    """Give the sides the weights again and a new optimizer; ``rounding`` and ``paddles_rule`` are torch's."""
    pair.ask_both("load", source=pair.path("weights"), among=among)
    settings = {
        "learning_rate": rounded_value(LEARNING_RATE),
        "momentum": rounded_value(0.9),
        "beta1": rounded_value(0.9),
        "beta2": rounded_value(0.999),
        "epsilon": rounded_value(1e-8),
        "weight_decay": rounded_value(WEIGHT_DECAY),
    }
    optimizer = None if name == OWN else name
    torchs = {"rounding": rounding, "paddles_rule": paddles_rule}
    pair.ask_both(
        "start_training",
        optimizer=optimizer,
        settings=settings,
        own=lambda side: torchs if side == "torch" else {},
        among=among,
    )


def rates_of(steps: int) -> list[float]:
    """A schedule, so that a rate that is not applied is seen: half a cosine, another rate each step."""
    return [rounded_value(LEARNING_RATE * (1 + cos(pi * step / (steps + 1))) / 2) for step in range(steps)]


def compare_state(pair: Pair, name: str, *, tolerance: float, moments: bool = True) -> list[Gap]:
    """Parameters, then each kind of moment that both keep, in parts that fit on the disk.

    What one side alone keeps, or keeps in another form, shows in the parameters if it matters.
    """
    entries = [entry for entry in pair.described["torch"]["parameters"] if pair.is_paired(entry["name"])]
    sizes = [int(np.prod(entry["shape"])) * 8 for entry in entries]
    kinds = ["parameters"]
    if moments:
        kept = pair.ask_both("kinds_of_state")
        kinds += sorted({*kept["torch"]} & {*kept["paddle"]})
    gaps = []
    for kind in kinds:
        for part in chunks([entry["name"] for entry in entries], sizes, limit=CHUNK_BYTES):
            pair.ask_both("training_state", target=lambda side: f"state-{side}", names=part, kind=kind)
            ours, theirs = (TensorFolder(pair.path(f"state-{side}")) for side in ("torch", "paddle"))
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


def with_suspect(pair: Pair, stage: Stage) -> Stage:
    """The layer of the first parameter that failed; rates and losses have none."""
    owners = {entry["name"]: entry for entry in pair.described["torch"]["parameters"]}
    first = next((gap for gap in stage.gaps if gap.verdict == FAIL), None)
    if first is not None:
        failed = [gap for gap in stage.gaps if gap.verdict == FAIL]
        named = [gap for gap in failed if _parameter_of(gap) in owners]
        count = len({_parameter_of(gap) for gap in named})
        share = sentences.SHARE_DEPARTS.format(count=count, all=len(owners))
        entry: dict[str, Any] = owners[_parameter_of(named[0])] if named else {}
        is_one = first in named or first.name.endswith("losses")
        layer = entry.get("layer") if is_one and len(named) < len(owners) else None
        stage.first = named[0] if layer else first
        stage.suspect = Suspect(layer=layer, relative_l2=first.relative_l2, path=share, base=None)
        stage.gaps = [replace(gap) for gap in stage.gaps]
    return stage


def _parameter_of(gap: Gap) -> str:
    return gap.name.partition(": ")[2].partition("/")[0]


SMALL = 1_000_000  # parameters up to which many optimizer steps cost nothing
STEPS_IF_SMALL, STEPS_IF_LARGE = 20, 2  # at least: in the first step a momentum does nothing yet
FOR_LARGE = ("adam",)  # it keeps the most; each further one costs an AlexNet 10 s


def optimizer_stage(pair: Pair, *, names: Sequence[str], steps: int) -> Stage:
    """The same NumPy gradients to both: parameters, what the optimizer keeps, and the learning rates."""
    small = pair.parameters() <= SMALL
    steps = max(steps, STEPS_IF_SMALL if small else STEPS_IF_LARGE)
    _draw_gradients(pair, steps=steps)
    gaps: list[Gap] = []
    lone: dict[str, dict[str, list[str]]] = {}
    for name in names:
        is_between_two = name == OWN and not pair.subject.framework  # of which each has constants and rules
        own = _compare_optimizer(pair, name, steps=steps)
        lone[name] = _kept_by_one_side(pair)
        if is_between_two and _failed(own):
            own = _excuse_hyper_parameters(pair, own, steps=steps)
        if is_between_two and _failed(own):
            own = _by_paddles_rules(pair, own, steps=steps)
        gaps += own
    pair.folder("drawn")
    facts: dict[str, Any] = {"steps": steps, "optimizers": [*names]}
    facts["kept_by_one_side"] = {name: kinds for name, kinds in lone.items() if any(kinds.values())}
    return with_suspect(pair, Stage(name="optimizer", gaps=gaps, facts=facts))


def _kept_by_one_side(pair: Pair) -> dict[str, list[str]]:
    """Kinds of state that were not compared, by the side that keeps them."""
    kept = {name: set(kinds) for name, kinds in pair.ask_both("kinds_of_state").items()}
    return {name: sorted(kept[name] - set.intersection(*kept.values())) for name in kept}


def _failed(gaps: Sequence[Gap]) -> set[str]:
    return {gap.name for gap in gaps if gap.verdict == FAIL}


def optimizer_names(pair: Pair, asked: Sequence[str]) -> list[str]:
    """The user's own, else those that were asked for, else all, or for a large model one."""
    if pair.subject.has("optimizer"):
        return [OWN]
    return list(asked or (OPTIMIZERS if pair.parameters() <= SMALL else FOR_LARGE))


def _compare_optimizer(
    pair: Pair, name: str, *, steps: int, rounding: bool = False, paddles_rule: bool = False
) -> list[Gap]:
    start(pair, name, rounding=rounding, paddles_rule=paddles_rule)
    rates = pair.ask_both(
        "apply_gradients",
        source=pair.path("drawn"),
        steps=steps,
        rates=None if name == OWN else rates_of(steps),
    )
    ours, theirs = (np.array(rates[side]) for side in ("torch", "paddle"))
    tolerance = TOLERANCE if name != OWN else 1e-7  # a schedule's rate may be kept in float32
    return [
        compare(f"{name}: learning rates", ours, theirs, tolerance=tolerance),
        *compare_state(pair, name, tolerance=TOLERANCE),
    ]


def _excuse_hyper_parameters(pair: Pair, gaps: Sequence[Gap], *, steps: int) -> list[Gap]:
    """The user's optimizer has hyper-parameters as they are.

    Paddle keeps some of them in float32.
    """
    again = {gap.name: gap for gap in _compare_optimizer(pair, OWN, steps=steps, rounding=True)}
    key = ["hyper-parameters"]
    return [
        gap
        if gap.passed or gap.name.endswith("learning rates") or gap.name not in again
        else excuse(gap, again[gap.name], **known_roundings.together(key, at_least=_bound_of(gap)))
        for gap in gaps
    ]


def _bound_of(gap: Gap) -> float:
    """How far rounding can move a mean square: it has 1 - beta2, of which a unit of float32 is more."""
    return SQUARES_BOUND if gap.name.endswith(("/exp_avg_sq", "/square_avg")) else 0.0


def _by_paddles_rules(pair: Pair, gaps: Sequence[Gap], *, steps: int) -> list[Gap]:
    """Known differences, if torch by paddle's rules agrees in everything that failed."""
    again = {gap.name: gap for gap in _compare_optimizer(pair, OWN, steps=steps, paddles_rule=True)}
    failed, applied = _failed(gaps), pair.ask("torch", "rules_applied")
    if not applied or not all(name in again and again[name].passed for name in failed):
        return [*gaps]
    return [
        as_difference(gap, difference=join_differences(applied), left=again[gap.name].relative_l2)
        if gap.name in failed
        else gap
        for gap in gaps
    ]


def _draw_gradients(pair: Pair, *, steps: int) -> None:
    """Gradients for each parameter, of sizes from 1e-6 up, as real ones are."""
    folder = pair.folder("drawn")
    for place, entry in enumerate(pair.described["torch"]["parameters"]):
        rng = np.random.default_rng((pair.subject.seed, place))
        drawn = draw(rng, entry["shape"], steps=steps)
        drawn *= np.float32(10.0 ** (place % 7 - 6) if pair.is_paired(entry["name"]) else 0)
        folder.add(entry["name"], drawn)
