"""Training that runs free, each side on its own gradients."""

from collections.abc import Sequence

import numpy as np

from backends import NAMES
from benchmarks.parity import roundings
from benchmarks.parity.bench import Bench
from benchmarks.parity.gaps import FAIL, Gap, compare, excuse
from benchmarks.parity.stage import Stage
from benchmarks.parity.training_state import OWN, compare_state, rates_of, start, with_suspect

FREE_RUNNING = {"lenet5": 1e-10}  # relative L2 after 100 steps; measured 9e-15 with Adam
FREE_RUNNING_OTHERS = 1e-8  # of AlexNets after 20 steps; Adam divides tiny gradients by their tiny size
LOSSES = 0  # the place of the losses' gap among a training's
TRAINING_SPREADS = 10  # how many times its size a rounding may grow to in training


def training_stage(bench: Bench, *, names: Sequence[str], steps: int, keys: Sequence[str] = ()) -> Stage:
    """Training on the batch over and over, each side on its own gradients, with equal masks.

    ``keys`` are the known roundings that the layers can show.
    """
    tolerance = FREE_RUNNING.get(bench.subject.model, FREE_RUNNING_OTHERS)
    gaps: list[Gap] = []
    for name in names:
        own, theirs = _train_both(bench, name, steps=steps, tolerance=tolerance)
        if any(gap.verdict == FAIL for gap in own):
            of_state = [*keys, *(["hyper-parameters"] if name == OWN else [])]
            of_losses = roundings.of_loss(of_state)
            again, _ = _train_both(
                bench, name, steps=steps, tolerance=tolerance, rounding=of_losses, theirs=theirs
            )
            own = [
                _excused(gap, repeated, of_losses if place == LOSSES else of_state)
                for place, (gap, repeated) in enumerate(zip(own, again, strict=True))
            ]
        gaps += own
    facts = {"steps": steps, "optimizers": [*names]}
    return with_suspect(bench, Stage(name="training", tolerance=tolerance, gaps=gaps, facts=facts))


def _excused(gap: Gap, repeated: Gap, keys: Sequence[str]) -> Gap:
    if gap.passed or not keys:
        return gap
    bound = roundings.bound(keys) * TRAINING_SPREADS
    return excuse(gap, repeated, constant=roundings.constants(keys), bound=bound)


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
    among = ("torch",) if rounding else NAMES
    start(bench, name, rounding=bool(rounding), among=among)
    losses = {"paddle": theirs} | bench.ask_both(
        "train",
        batch=bench.path("batch"),
        steps=steps,
        rates=None if name == OWN else rates_of(steps),
        own=lambda side: {"masks": bench.path(f"masks-{side}")},
        rounding=[key for key in rounding if key != "hyper-parameters"],
        among=among,
    )
    ours, others = (np.array(losses[side]) for side in ("torch", "paddle"))
    gaps = [compare(f"{name}: losses", ours, others, tolerance=tolerance)]
    return gaps + compare_state(bench, name, tolerance=tolerance, moments=False), losses["paddle"]
