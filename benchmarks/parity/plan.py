"""Stages of a comparison by name, and which of them a run goes through."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass

CANNOT_COMPARE, INCOMPLETE = "cannot-compare", "incomplete"
ORDER = (
    "parameters",
    "data",
    "repeat",
    "forward",
    "loss",
    "gradients",
    "metrics",
    "optimizer",
    "train-mode",
    "training",
    "float32",
    "bfloat16",
)
GATE = ("parameters", "forward", "loss", "gradients")  # what must hold before anything is timed
OWN_PARTS = {"data": "data", "metrics": "metric"}  # stages that need a part of the user's, by role
CHOICES = tuple(stage for stage in ORDER if stage not in OWN_PARTS)  # those need the user's own

# Names of lines about training mode that a report explains.
DROPOUT_INSIDE = " (dropout inside)"  # behind a layer's
RANDOM_NUMBERS = "random numbers outside of dropout's layers"


@dataclass(frozen=True, kw_only=True)
class Plan:
    """Which stages are run, for how many steps, with which optimizers (none: all of them).

    ``strict``: known differences of the frameworks fail. ``equal_nan``: NaN at the same places agrees.
    ``keeps_partial``: a stage that ends in an exception is a row; else the exception ends all.
    """

    stages: Sequence[str] = ORDER
    steps: int = 1
    optimizers: Sequence[str] = ()
    strict: bool = False
    equal_nan: bool = False
    keeps_partial: bool = True

    def steps_shown(self, has: Callable[[str], bool]) -> int:
        """Number of stages that are done apart; ``has`` says which roles the user brings parts for."""
        skipped = {"loss"} | {stage for stage, role in OWN_PARTS.items() if not has(role)}
        return sum(stage not in skipped for stage in self.stages)


def with_needed(stages: Sequence[str]) -> tuple[str, ...]:
    """The stages with those that every other one is built on, in order."""
    wanted = {*GATE, *stages} if stages else {*ORDER}
    return tuple(stage for stage in ORDER if stage in wanted)
