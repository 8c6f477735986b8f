"""The highest rate that passes, by bisection on a logarithmic axis."""

import math
from dataclasses import dataclass, field
from typing import Literal

WIDTH = 0.05  # of the bracket: the lowest rate that failed over the highest that passed, less one
START = 0.7  # of the rate at which everything is served offline: near what a queue allows
LEAST = 0.01  # of the same: a side that does not pass here passes nowhere

Outcome = Literal["passed", "failed", "generator", "open"]


@dataclass(kw_only=True)
class RateSearch:
    """Rates are (1 + WIDTH) to the power of a whole number plus ``offset``, the same for whoever searches.

    ``offset`` (from 0 to 1) differs between repetitions, or brackets that always lie alike would look more
    certain than they are. ``capacity`` is the rate of the offline scenario. ``outcomes`` are kept by the
    whole number: where the load generator could not keep up, nothing above was tried.
    """

    capacity: float
    offset: float = 0.0
    start: float | None = None  # the rate to begin with, where one is expected
    outcomes: dict[int, Outcome] = field(default_factory=dict)

    def rate(self, place: int) -> float:
        """Requests a second at a place of the grid."""
        return math.exp((place + self.offset) * math.log1p(WIDTH))

    def next(self) -> int | None:
        """The place to try next; None where the search is done."""
        passed, failed = self._ends()
        if passed is None and failed is None:
            return self._place(self.start or START * self.capacity)
        if failed is None:
            assert passed is not None
            return passed + self._stride()
        if passed is None:
            lower = failed - 2 * self._stride()
            return lower if self.rate(lower) >= LEAST * self.capacity else None
        return None if failed - passed == 1 else (passed + failed) // 2

    def note(self, place: int, outcome: Outcome) -> None:
        """Keep what became of a rate."""
        self.outcomes[place] = outcome

    @property
    def passed(self) -> float | None:
        """The highest rate that passed; None where none did."""
        passed, _ = self._ends()
        return None if passed is None else self.rate(passed)

    @property
    def failed(self) -> float | None:
        """The lowest rate that did not pass; None where all did."""
        _, failed = self._ends()
        return None if failed is None else self.rate(failed)

    @property
    def ends_with_generator(self) -> bool:
        """True if nothing is known above the bracket because the generator could not keep up there."""
        _, failed = self._ends()
        return failed is not None and self.outcomes[failed] == "generator"

    def _ends(self) -> tuple[int | None, int | None]:
        failed = min((place for place, outcome in self.outcomes.items() if outcome != "passed"), default=None)
        passed = (
            place
            for place, outcome in self.outcomes.items()
            if outcome == "passed" and (failed is None or place < failed)
        )
        return max(passed, default=None), failed

    def _stride(self) -> int:
        """Steps of the grid to the next rate: twice as many each time, until the end is found."""
        return int(2 ** min(len(self.outcomes), 6))

    def _place(self, rate: float) -> int:
        return math.floor(math.log(rate) / math.log1p(WIDTH) - self.offset)
