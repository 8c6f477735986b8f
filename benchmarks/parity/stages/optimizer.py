"""Optimizers on equal gradients."""

from collections.abc import Sequence

import numpy as np

from backends import OPTIMIZERS
from benchmarks.parity.probe.training import draw
from benchmarks.parity.sides.pair import Bench
from benchmarks.parity.stages.stage import Stage
from benchmarks.parity.stages.training_state import OWN, compare_state, rates_of, start, with_suspect
from benchmarks.parity.tensors import known_roundings
from benchmarks.parity.tensors.gaps import FAIL, TOLERANCE, Gap, compare, excuse

SMALL = 1_000_000  # parameters up to which many optimizer steps cost nothing
STEPS_IF_SMALL, STEPS_IF_LARGE = 20, 2  # at least: in the first step a momentum does nothing yet
FOR_LARGE = ("adam",)  # it keeps the most; each further one costs an AlexNet 10 s


def optimizer_stage(bench: Bench, *, names: Sequence[str], steps: int) -> Stage:
    """The same NumPy gradients to both: parameters, what the optimizer keeps, and the learning rates."""
    small = bench.parameters() <= SMALL
    steps = max(steps, STEPS_IF_SMALL if small else STEPS_IF_LARGE)
    _draw_gradients(bench, steps=steps)
    gaps: list[Gap] = []
    for name in names:
        own = _compare_optimizer(bench, name, steps=steps)
        if name == OWN and any(gap.verdict == FAIL for gap in own):
            own = _excuse_hyper_parameters(bench, own, steps=steps)
        gaps += own
    bench.folder("drawn")
    return with_suspect(
        bench, Stage(name="optimizer", gaps=gaps, facts={"steps": steps, "optimizers": [*names]})
    )


def optimizer_names(bench: Bench, asked: Sequence[str]) -> list[str]:
    """The user's own, else those that were asked for, else all, or for a large model one."""
    if bench.subject.has("optimizer"):
        return [OWN]
    return list(asked or (OPTIMIZERS if bench.parameters() <= SMALL else FOR_LARGE))


def _compare_optimizer(bench: Bench, name: str, *, steps: int, rounding: bool = False) -> list[Gap]:
    start(bench, name, rounding=rounding)
    rates = bench.ask_both(
        "apply_gradients",
        source=bench.path("drawn"),
        steps=steps,
        rates=None if name == OWN else rates_of(steps),
    )
    ours, theirs = (np.array(rates[side]) for side in ("torch", "paddle"))
    tolerance = TOLERANCE if name != OWN else 1e-7  # a schedule's rate may be kept in float32
    return [
        compare(f"{name}: learning rates", ours, theirs, tolerance=tolerance),
        *compare_state(bench, name, tolerance=TOLERANCE),
    ]


def _excuse_hyper_parameters(bench: Bench, gaps: Sequence[Gap], *, steps: int) -> list[Gap]:
    """The user's optimizer has hyper-parameters as they are; paddle keeps some of them in float32."""
    again = {gap.name: gap for gap in _compare_optimizer(bench, OWN, steps=steps, rounding=True)}
    key = ["hyper-parameters"]
    return [
        gap
        if gap.passed or gap.name.endswith("learning rates") or gap.name not in again
        else excuse(
            gap, again[gap.name], constant=known_roundings.constants(key), bound=known_roundings.bound(key)
        )
        for gap in gaps
    ]


def _draw_gradients(bench: Bench, *, steps: int) -> None:
    """Gradients for each parameter, of sizes from 1e-6 up, as real ones are."""
    folder = bench.folder("drawn")
    for place, entry in enumerate(bench.described["torch"]["parameters"]):
        rng = np.random.default_rng((bench.subject.seed, place))
        drawn = draw(rng, entry["shape"], steps=steps)
        drawn *= np.float32(10.0 ** (place % 7 - 6))
        folder.add(entry["name"], drawn)
