"""In which order: all combinations, one pair of processes after the other.

A host that runs slower for minutes does so for the whole of one combination if each is finished before the
next begins, and nothing in its rounds shows it. Going round, such minutes lie between the pairs of each
combination, and are part of what is estimated from them.
"""

import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np

from benchmarks.measure.interleave import Interleaving
from common.engines.kinds import ENGINE_KINDS
from common.terminal import progress

if TYPE_CHECKING:
    from tqdm import tqdm


@dataclass(frozen=True, kw_only=True)
class Plan:
    """How much is measured.

    ``rounds`` are shared by ``pairs`` of processes, two at least a pair. What is then known to less than
    ``precise`` percent, and where a gate would not see a change of ``resolve`` percent, is measured on, pair
    by pair: within ``max_minutes`` of all, and where neither was asked for in so many minutes, in twice as
    many pairs. Whether to go on depends on how wide an interval is, never on where it lies.
    """

    rounds: int
    pairs: int
    precise: float | None = None
    resolve: float | None = None
    max_minutes: float | None = None
    cold_starts: bool = False  # the processes of each lap in between begin with one

    @property
    def laps(self) -> list[int]:
        """Rounds of each pair of processes."""
        pairs = max(1, min(self.pairs, self.rounds // 2))
        return [len(part) for part in np.array_split(np.arange(self.rounds), pairs)]

    def wants_more(self, turns: Interleaving, *, minutes: float) -> bool:
        """True if a combination is not known well enough yet, and there is time."""
        if turns.failures or (len(self.laps) == 1 and self.precise is None):
            return False  # a single pair shows no uncertainty
        if self.max_minutes is not None and minutes >= self.max_minutes:
            return False
        if self.precise is not None and not turns.knows(self.precise):
            return True
        few = len(turns.processes) < 2 * len(self.laps)
        return self.resolve is not None and few and not turns.resolves(self.resolve)


def go_round(
    every: Sequence[Interleaving], plan: Plan, *, bar: "tqdm[Any]", keep: Callable[[], None] = lambda: None
) -> None:
    """Measure all combinations; ``keep`` is called whenever a pair of one has been measured."""
    began, laps = time.monotonic(), plan.laps
    for number, rounds in enumerate(laps):
        # Whoever is last in its processes explains its figures there: its memory must be its own.
        last = number == len(laps) - 1
        open_yet = [turns for turns in every if len(turns.processes) <= number]
        if plan.cold_starts and number > 0 and not last and open_yet and (starters := _starters(every)):
            starters[(number - 1) % len(starters)].start_cold(turned=number % 4 > 1)
            begun = True
        else:
            begun = number == 0
        _lap(open_yet, rounds, plan, bar=bar, keep=keep, begun=begun, last=last)
    while more := [
        turns for turns in every if plan.wants_more(turns, minutes=(time.monotonic() - began) / 60)
    ]:
        # A bar of its own: with a larger total the first one would go backwards.
        with progress(total=laps[0] * len(more), unit="rounds") as further:
            _lap(more, laps[0], plan, bar=further, keep=keep)


def _starters(every: Sequence[Interleaving]) -> list[Interleaving]:
    """What has a first answer of its own: each engine, precision, layout and number of threads.

    At its smallest batch, and on both sides, where this session has compiled what has to be.
    """
    found: dict[tuple[object, ...], Interleaving] = {}
    for turns in sorted(every, key=lambda turns: turns.case.batch_size):
        case, grouped = turns.case, turns.session.request.grouped
        is_own = case.phase == "infer" and not (case.beside or grouped or ENGINE_KINDS[case.engine].neutral)
        if is_own and turns.is_prepared and not turns.failures:
            found.setdefault((case.engine, case.precision, case.layout, case.threads), turns)
    return list(found.values())


def _lap(
    every: Sequence[Interleaving],
    rounds: int,
    plan: Plan,
    *,
    bar: "tqdm[Any]",
    keep: Callable[[], None],
    begun: bool = False,
    last: bool = False,
) -> None:
    """One pair of processes for all combinations, new unless ``begun``; in the last lap one for each."""
    for place, turns in enumerate(every):
        bar.set_description(str(turns.case))
        if not turns.processes:
            turns.tune()
        anew = not begun if place == 0 else last
        turns.take_turns(rounds, blocks=2 * plan.rounds, bar=bar, anew=anew)
        if last:
            turns.finish()
        else:
            turns.glance()
        keep()
