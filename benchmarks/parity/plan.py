"""Stages of a comparison by name, and which of them a run goes through."""

from collections.abc import Sequence
from dataclasses import dataclass

CANNOT_COMPARE = "cannot-compare"
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
CHOICES = tuple(stage for stage in ORDER if stage not in ("data", "metrics"))  # those need the user's own


@dataclass(frozen=True, kw_only=True)
class Plan:
    """Which stages are run, for how many steps, with which optimizers (none: all of them).

    ``strict``: known differences of the frameworks fail. ``equal_nan``: NaN at the same places agrees.
    """

    stages: Sequence[str] = ORDER
    steps: int = 1
    optimizers: Sequence[str] = ()
    strict: bool = False
    equal_nan: bool = False


def with_needed(stages: Sequence[str]) -> tuple[str, ...]:
    """The stages with those that every other one is built on, in order."""
    wanted = {*GATE, *stages} if stages else {*ORDER}
    return tuple(stage for stage in ORDER if stage in wanted)
