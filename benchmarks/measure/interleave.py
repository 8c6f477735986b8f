"""Two sides taking turns: A B B A, then B A A B, in short blocks of whole steps."""

import math
import time
from collections import Counter
from collections.abc import Callable, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace
from typing import TYPE_CHECKING, Any

from benchmarks.analysis.disturbance import Disturbance, is_invalid, kept_rounds, mark_disturbed
from benchmarks.analysis.quick_steps import Estimate, quick_seconds, speed_ratio
from benchmarks.analysis.ratio import (
    SHARED_HOST,
    Blocks,
    RatioEstimate,
    drift,
    estimate_ratio,
    outlier_fraction,
    pace,
    round_ratios,
)
from benchmarks.analysis.verdict import Effort
from benchmarks.manager.session import Session
from benchmarks.manager.worker_process import WorkerFailure
from benchmarks.measure.comparable import compared_settings, unequal_settings
from benchmarks.measure.diagnostics import Diagnostics
from benchmarks.measure.machine_load import MachineLoad
from benchmarks.measure.rows import failed_row, measured_row
from benchmarks.measure.warming_up import untimed_steps
from benchmarks.request.case import Case
from benchmarks.results.samples import Block, Measured
from benchmarks.results.schema import Result

if TYPE_CHECKING:
    from tqdm import tqdm

FOUND_ONCE = ("layout", "activation_dtype")  # of the settings in force
SIZES = ("parameters", "flops_per_image", "moved_per_image", "least_bytes")
PREPARING = ("build_seconds", "load_seconds", "compile_seconds")
FEWEST_FOR_RATIO = 2  # rounds
BLOCK_SECONDS = 0.15  # a few steps at most: the shorter the turns, the more drift cancels


def _missing(now: object, first: object, names: Sequence[str]) -> dict[str, Any]:
    """What is None now, as it was first."""
    return {name: getattr(first, name) for name in names if getattr(now, name) is None}


class Interleaving:
    """One combination on both sides of a session.

    What one cannot do becomes a row; the other goes on.
    """

    def __init__(self, session: Session, case: Case, *, explainer: Diagnostics) -> None:
        self.session, self.case, self._explainer = session, case, explainer
        self.names = tuple(session.places)
        self.cases = dict.fromkeys(self.names, case)  # what each side runs: only tuning makes them differ
        self.processes: list[int] = []
        self.tuning: dict[str, list[dict[str, Any]]] = {}
        self.measured: dict[str, Measured] = {}
        self.failures: dict[str, WorkerFailure] = {}
        self.circumstances: list[dict[str, Any]] = []  # the machine's, of each pair of processes
        self.seconds = 0.0
        self.is_prepared = False  # in this session
        self._found: tuple[int, Disturbance, list[list[list[Block]]]] | None = None

    def tune(self) -> None:
        """Choose what each side runs, where settings are tuned."""
        if self.session.request.settings_mode == "tuned":
            self._each(self._tune)

    def take_turns(self, rounds: int, *, blocks: int, bar: "tqdm[Any]", anew: bool = False) -> None:
        """Prepare and warm up both, then let them take so many turns.

        ``blocks`` of a side share the time that a result is asked to have. ``anew`` starts processes first.
        """
        began, load = time.monotonic(), MachineLoad()
        if anew:
            for name in self.names:
                self.session.end(name)
        if not self.processes:
            self._each(self._prepare)
            self.is_prepared = True
        else:  # a process lies in memory in its own way: another one may be faster
            self._all_at_once(self._prepare_again)
        self._require_comparable()
        self._warm_up()
        self.processes.append(rounds)
        self._rounds(rounds, blocks=blocks, bar=bar)
        self.circumstances.append(load.facts())
        self.seconds += time.monotonic() - began

    def _rounds(self, rounds: int, *, blocks: int, bar: "tqdm[Any]") -> None:
        """The last of the turns."""
        end = sum(self.processes)
        for number in range(end - rounds, end):
            order = self.names if number % 2 == 0 else self.names[::-1]
            for name in (*order, *order[::-1]):
                self._attempt(name, lambda name: self._measure(name, blocks=blocks))
            bar.update()

    def start_cold(self, *, turned: bool = False) -> None:
        """End both processes, start new ones one after the other, and see how long first answers take.

        ``turned``: the second side first. Both sides have been prepared in this session.
        """
        for name in self.names:
            self.session.end(name)
        for name in self.names[::-1] if turned else self.names:
            measured = self.measured[name]
            try:
                seconds = self.session.cold_start(name, self.cases[name], device=measured.facts.device)
            except WorkerFailure as failure:  # what was measured stays, and the next process is tried
                measured.start_reason = failure.explained
                self.session.end(name)
            else:
                measured.starts.append(seconds)

    def finish(self) -> None:
        """Measure what explains the figures, with the job of the last turns."""
        self._each(self._finish)

    def rows(self) -> list[Result]:
        """A result of each side that was tried."""
        return [self.row(name) for name in self.names if name in self.failures or name in self.measured]

    def row(self, name: str) -> Result:
        """A side's result, or why it has none."""
        request, case, backend = self.session.request, self.cases[name], self.session.places[name].backend
        if name in self.failures:
            return failed_row(request, case, self.failures[name])
        return measured_row(request, backend, case, self.measured[name])

    @property
    def is_begun(self) -> bool:
        """True if there is anything to show."""
        return bool(self.failures or self.processes)

    def disturbance(self) -> Disturbance:
        """What others disturbed; marks the blocks."""
        return self._sorted_out()[1]

    def estimate(self) -> RatioEstimate | None:
        """The ratio of both sides' throughput, the second over the first, from undisturbed blocks.

        Both were measured. None if fewer than two rounds are left.
        """
        rounds = self._kept()
        if len(rounds) < FEWEST_FOR_RATIO:
            return None
        owners = Counter(both[0][0].process for both in rounds)
        on_cpu = self.measured[self.names[0]].facts.device == "cpu"
        return estimate_ratio(
            *self._seconds(rounds),
            pairs=list(owners.values()),
            slow=SHARED_HOST if on_cpu else 0.0,
        )

    def effort(self) -> Effort:
        """What it took so far."""
        return Effort(
            rounds=sum(self.processes),
            pairs=len(self.processes),
            seconds=self.seconds,
            left_out=self.disturbance().left_out,
        )

    def verdict_without_ratio(self) -> tuple[str, str] | None:
        """A verdict, and its reason, where there is no ratio although nothing was disturbed."""
        return None

    def is_valid(self) -> bool:
        """False where others disturbed so much that nothing can be said."""
        disturbed = self.disturbance()
        return not is_invalid(disturbed, rounds=sum(self.processes), left=len(self._kept()))

    def change(self) -> Estimate:
        """Logarithm of the second side's speed over the first's, of the quick steps of undisturbed blocks."""
        return speed_ratio(*(self.quick_seconds(name) for name in self.names))

    def quick_seconds(self, name: str) -> list[float]:
        """Those of a side, of as many pairs of processes as the other's; see ``quick_steps``."""
        place = self.names.index(name)
        # Equally many of both in each round: sides are compared entry by entry.
        blocks = [block for both in self._kept() for block in both[place][: min(map(len, both))]]
        return quick_seconds(blocks or self.measured[name].blocks)

    def facts(self) -> dict[str, Any]:
        """The ratio of each round, its drift, both sides' pace, and the share of outliers.

        Outliers are steps that took far longer than the others.
        """
        outliers = (outlier_fraction(measured.step_seconds) for measured in self.measured.values())
        rounds = self._kept()
        facts: dict[str, Any] = {"outliers": max(outliers)}
        if len(rounds) >= FEWEST_FOR_RATIO:
            both = self._seconds(rounds)
            facts |= {"drift": drift(*both), "pace": pace(*both), "round_ratios": round_ratios(*both)}
        return facts

    def knows(self, percent: float) -> bool:
        """True if the true ratio is known to so many percent to both sides."""
        estimate = self.estimate()
        if estimate is None:
            return False
        low, high = estimate.interval
        return high / low <= (1 + percent / 100) ** 2

    def resolves(self, percent: float) -> bool:
        """True if a change of so many percent would show."""
        return self.change().half_width() <= math.log1p(percent / 100)

    def _require_comparable(self) -> None:
        keys = compared_settings(self.session.request.settings_mode, list(self.cases.values()))
        facts = {name: measured.facts for name, measured in self.measured.items()}
        difference = unequal_settings(facts, keys=keys)
        if difference and not self.failures:
            self.failures = {name: WorkerFailure(name, "unsupported", difference) for name in self.names}

    def _kept(self) -> list[list[list[Block]]]:
        return self._sorted_out()[2]

    def _sorted_out(self) -> tuple[int, Disturbance, list[list[list[Block]]]]:
        """Number of blocks, what disturbed them, and the rounds that are kept: anew where there are more."""
        sides = [self.measured[name].blocks for name in self.names]
        number = sum(map(len, sides))
        if self._found is None or self._found[0] != number:
            self._found = number, mark_disturbed(sides), kept_rounds(sides)
        return self._found

    def _seconds(self, rounds: Sequence[Sequence[Sequence[Block]]]) -> tuple[Blocks, Blocks]:
        """Step times of both sides, by round and block."""
        first, second = ([[block.step_seconds for block in both[side]] for both in rounds] for side in (0, 1))
        return first, second

    def _each(self, action: Callable[[str], object]) -> None:
        for name in self.names:
            self._attempt(name, action)

    def _all_at_once(self, action: Callable[[str], object]) -> None:
        """Do something with each side at once.

        If that is interrupted, nobody is waited for.
        """
        with ThreadPoolExecutor() as pool:
            pending = [pool.submit(self._attempt, name, action) for name in self.names]
            try:
                for each in pending:
                    each.result()
            except BaseException:
                for name in self.names:
                    self.session.end(name)
                raise

    def _attempt(self, name: str, action: Callable[[str], object]) -> None:
        """Do something with a side unless it has failed already."""
        if name not in self.failures:
            try:
                action(name)
            except WorkerFailure as failure:
                self.failures[name] = failure
                self.session.end(name)

    def _prepare(self, name: str) -> None:
        self.measured[name] = self.session.prepare(name, self.cases[name])
        self.measured[name].tuning = self.tuning.get(name, [])

    def _warm_up(self) -> None:
        """The untimed steps, as many on both sides."""

        def run(steps: int) -> float:
            took = {}
            for name in self.names:
                began = time.monotonic()
                self._attempt(name, lambda name: self.session.warm_up(name, steps))
                took[name] = time.monotonic() - began
            return min((seconds for name, seconds in took.items() if name not in self.failures), default=0.0)

        steps = untimed_steps(self.session.request.warmup, run)
        for measured in self.measured.values():
            measured.warmup_steps = steps

    def _prepare_again(self, name: str) -> None:
        """The same once more.

        Preparation is timed the first time, when the machine had nothing else to do; what was found then and
        cannot have changed is not looked for again.
        """
        measured, first = self.measured[name], self.measured[name].facts
        measured.process = len(self.processes)
        facts = self.session.prepare(name, self.cases[name], known=first).facts
        self.is_prepared = True
        settings = replace(facts.settings, **_missing(facts.settings, first.settings, FOUND_ONCE))
        took = {part: getattr(first, part) for part in PREPARING}
        measured.facts = replace(facts, **_missing(facts, first, SIZES), **took, settings=settings)

    def _tune(self, name: str) -> None:
        from benchmarks.measure.tuning import tune

        self.cases[name], self.tuning[name] = tune(self.session, name, self.case)
        self.session.end(name)

    def _measure(self, name: str, *, blocks: int) -> None:
        request = self.session.request
        self.session.measure(
            name,
            self.measured[name],
            min_steps=math.ceil(request.min_iterations / blocks),
            min_seconds=max(request.min_seconds / blocks, BLOCK_SECONDS),
        )

    def _finish(self, name: str) -> None:
        self._explainer.explain(name, self.cases[name], self.measured[name])
