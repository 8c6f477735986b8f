"""Axes of charts: where a value lies, and at which round values a scale has its marks."""

import math
from collections.abc import Sequence
from dataclasses import dataclass

MOST_TICKS = 6
LOG_STEPS = (  # mantissas of each decade, from few marks to many
    (1.0,),
    (1.0, 3.0),
    (1.0, 2.0, 5.0),
    (1.0, 1.5, 2.0, 3.0, 5.0, 7.0),
)
FEW_TICKS = 3  # with fewer the marks of a linear scale are taken, which is much the same on so short a one


@dataclass(frozen=True, kw_only=True)
class Scale:
    """Values from ``low`` to ``high``, drawn from ``start`` to ``end``; logarithmic if ``log``."""

    low: float
    high: float
    start: float
    end: float
    log: bool = False

    def __call__(self, value: float) -> float:
        """Where a value is drawn; at the end of the axis if it lies beyond."""
        low, high, at = (math.log(v) if self.log else v for v in (self.low, self.high, self._inside(value)))
        return self.start + (at - low) / (high - low) * (self.end - self.start)

    def _inside(self, value: float) -> float:
        return min(max(value, self.low), self.high)

    @property
    def ticks(self) -> list[float]:
        """Round values on the scale, at most ``MOST_TICKS``."""
        return log_ticks(self.low, self.high) if self.log else linear_ticks(self.low, self.high)


def linear(values: Sequence[float], *, start: float, end: float, zero: bool = False) -> Scale:
    """A scale that holds all values, from one mark to another; ``zero``: from 0 at the latest."""
    low, high = min(values), max(values)
    if zero:
        low, high = min(low, 0.0), max(high, 0.0)
    if low == high:
        low, high = low - (abs(low) or 1.0) / 2, high + (abs(high) or 1.0) / 2
    step = _step(low, high)
    return Scale(low=math.floor(low / step) * step, high=math.ceil(high / step) * step, start=start, end=end)


def logarithmic(values: Sequence[float], *, start: float, end: float, spare: float = 0.06) -> Scale:
    """A logarithmic scale with all values, and some space on both sides."""
    low, high = math.log(min(values)), math.log(max(values))
    edge = max((high - low) * spare, 0.02)
    return Scale(low=math.exp(low - edge), high=math.exp(high + edge), start=start, end=end, log=True)


def linear_ticks(low: float, high: float) -> list[float]:
    """Multiples of 1, 2 or 5 times a power of ten."""
    step = _step(low, high)
    first, last = math.ceil(low / step - 1e-9), math.floor(high / step + 1e-9)
    return [float(f"{place * step:.12g}") for place in range(first, last + 1)]


def log_ticks(low: float, high: float) -> list[float]:
    """Few round values of a logarithmic scale; of many decades every second, third or so."""
    first, last = math.floor(math.log10(low)), math.ceil(math.log10(high))
    every = max(1, (last - first) // MOST_TICKS + 1)
    decades = [10.0**power for power in range(first, last + 1, every)]
    found: list[float] = []
    for mantissas in LOG_STEPS[: 1 if every > 1 else None]:
        marks = (float(f"{decade * mantissa:.12g}") for decade in decades for mantissa in mantissas)
        inside = [mark for mark in marks if low <= mark <= high]
        if len(inside) > MOST_TICKS:
            break
        found = inside
        if len(found) >= MOST_TICKS - 2:
            break
    return found if len(found) >= FEW_TICKS or every > 1 else linear_ticks(low, high)


def tick_text(value: float) -> str:
    """A mark of a scale: 0.5, 20, 3,000, 1e-12."""
    return f"{value:,.0f}" if 1000 <= abs(value) < 1e7 else f"{value:.6g}"


def _step(low: float, high: float) -> float:
    """The smallest round step that makes no more than ``MOST_TICKS`` marks."""
    raw = (high - low) / (MOST_TICKS - 1)
    power = 10.0 ** math.floor(math.log10(raw))
    return next(power * times for times in (1.0, 2.0, 5.0, 10.0) if power * times >= raw * 0.999)
