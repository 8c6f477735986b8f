"""Learning rates by step, computed once here and set in both frameworks' optimizers.

Rates are rounded to float32: paddle keeps an optimizer's rate so, and both shall take the same step.
"""

import math
from dataclasses import dataclass

import numpy as np

SCHEDULES = ("constant", "step", "cosine")


@dataclass(frozen=True, kw_only=True)
class Schedule:
    """The learning rate at each step of a run of ``epochs`` epochs of ``steps_per_epoch`` updates.

    constant: the base rate. step: times ``gamma`` after every ``period`` epochs. cosine: from the base
    rate along half a cosine to 0 after ``period`` epochs, or with the last step where the period is 0,
    and up again beyond it, as the frameworks' CosineAnnealing goes on. Loshchilov and Hutter 2017,
    equation 5. ``warmup_epochs`` rise in a straight line first; the cosine begins after them.
    """

    name: str
    base: float
    epochs: int
    steps_per_epoch: int
    warmup_epochs: float = 0.0
    period: int = 0
    gamma: float = 0.1

    def __post_init__(self) -> None:
        assert self.name in SCHEDULES

    def rate(self, step: int) -> float:
        """The rate of the update number ``step``, from 0."""
        warmup = round(self.warmup_epochs * self.steps_per_epoch)
        if step < warmup:
            factor = (step + 1) / (warmup + 1)
        else:
            factor = self._after_warmup(step - warmup, warmup)
        return float(np.float32(self.base * factor))

    def _after_warmup(self, step: int, warmup: int) -> float:
        if self.name == "constant":
            return 1.0
        if self.name == "step":
            period = self.period * self.steps_per_epoch
            return float(self.gamma ** ((step + warmup) // period)) if period else 1.0
        whole = self.period or self.epochs
        steps = max(whole * self.steps_per_epoch - (0 if self.period else warmup), 1)
        return (1 + math.cos(math.pi * step / steps)) / 2
