"""Two sides taking turns: A B B A, then B A A B, in short blocks of whole steps."""

import math
from collections.abc import Callable, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import asdict, replace
from typing import TYPE_CHECKING, Any

import numpy as np

from benchmarks.analysis.quick_steps import Estimate, quick_seconds, speed_ratio
from benchmarks.analysis.ratio import (
    SHARED_HOST,
    RatioEstimate,
    Rounds,
    drift,
    estimate_ratio,
    outlier_fraction,
    pace,
)
from benchmarks.manager.session import Session
from benchmarks.manager.worker_process import WorkerFailure
from benchmarks.measure.diagnostics import Diagnostics
from benchmarks.measure.rows import failed_row, measured_row
from benchmarks.request.case import Case
from benchmarks.request.job import JobFacts
from benchmarks.results.samples import Measured
from benchmarks.results.schema import UNEQUAL_SETTINGS, Result
from common.engines.kinds import EAGER

if TYPE_CHECKING:
    from tqdm import tqdm

COMPARABLE = (
    "device",
    "threads",
    "tf32_matmul",
    "tf32_convolution",
    "autotune",
    "deterministic",
    "layout",
    "activation_dtype",
)


def compared_settings(mode: str, cases: Sequence[Case]) -> Sequence[str]:
    """Those that have to be equal: all that the mode makes equal and the engine reports."""
    if mode != "equalised":
        return ("device",)
    if {case.engine for case in cases} != {EAGER.name}:
        return [key for key in COMPARABLE if key not in ("layout", "activation_dtype")]  # may be unknown
    return COMPARABLE


def unequal_settings(facts: Mapping[str, JobFacts], *, keys: Sequence[str] = COMPARABLE) -> str | None:
    """Which settings in force differ between the backends, as a reason.

    Returns None if none does.
    """
    if len(facts) < 2:
        return None
    (ours, left), (theirs, right) = (
        (name, asdict(fact.settings) | {"device": fact.device}) for name, fact in facts.items()
    )
    different = [
        f"{key} is {left[key]} in {ours} and {right[key]} in {theirs}"
        for key in keys
        if left[key] != right[key]
    ]
    return f"{UNEQUAL_SETTINGS}: {'; '.join(different)}" if different else None


PREPARING = ("build_seconds", "load_seconds", "compile_seconds")
BLOCK_SECONDS = 0.15  # a few steps at most: the shorter the turns, the more drift cancels


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

    def run(self, *, rounds: int, processes: int, bar: "tqdm[Any]", precise: float | None = None) -> None:
        """Prepare and warm up both, then let them take turns.

        ``processes`` pairs of new ones share the rounds. If ``change`` is less certain than ``precise``
        percent, all rounds are measured once more and both halves count. The decision depends on the
        uncertainty, never on the estimate, so it does not bias the result. A single process shows no
        uncertainty.
        """
        if self.session.request.settings_mode == "tuned":
            self._each(self._tune)
        parts = np.array_split(np.arange(rounds), max(1, min(processes, rounds // 2)))
        for part in parts:
            self._take_turns(len(part), blocks=2 * rounds, bar=bar)
        if precise is not None and len(parts) > 1 and not self.failures and not self._knows(precise):
            bar.total = (bar.total or 0) + rounds
            for part in parts:
                self._take_turns(len(part), blocks=2 * rounds, bar=bar)
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

    def estimate(self) -> RatioEstimate:
        """The ratio of both sides' throughput, the second over the first.

        Both were measured.
        """
        first, second = self._both_rounds()
        on_cpu = self.measured[self.names[0]].facts.device == "cpu"
        return estimate_ratio(
            first,
            second,
            processes=self.processes,
            slow=SHARED_HOST if on_cpu else 0.0,
            seed=self.session.request.seed,
        )

    def change(self) -> Estimate:
        """Logarithm of the second side's speed over the first's, of the undisturbed steps."""
        first, second = (quick_seconds(self.measured[name].blocks) for name in self.names)
        return speed_ratio(first, second)

    def disturbances(self) -> dict[str, float]:
        """The ratio's drift, both sides' pace, and the share of outliers.

        Outliers are steps that took far longer than the others.
        """
        outliers = (outlier_fraction(measured.step_seconds) for measured in self.measured.values())
        rounds = self._both_rounds()
        return {"drift": drift(*rounds), "pace": pace(*rounds), "outliers": max(outliers)}

    def _take_turns(self, rounds: int, *, blocks: int, bar: "tqdm[Any]") -> None:
        """So many rounds in processes of their own."""
        if not self.processes:
            self._each(self._prepare)
        else:  # a process lies in memory in its own way: another one may be faster
            self._all_at_once(self._prepare_anew)
        self._require_comparable()
        self._each(self.session.warm_up)
        before = sum(self.processes)
        self.processes.append(rounds)
        for number in range(before, before + rounds):
            order = self.names if number % 2 == 0 else self.names[::-1]
            for name in (*order, *order[::-1]):
                self._attempt(name, lambda name: self._measure(name, blocks=blocks))
            bar.update()

    def _knows(self, precise: float) -> bool:
        return self.change().half_width() <= math.log1p(precise / 100)

    def _require_comparable(self) -> None:
        keys = compared_settings(self.session.request.settings_mode, list(self.cases.values()))
        facts = {name: measured.facts for name, measured in self.measured.items()}
        difference = unequal_settings(facts, keys=keys)
        if difference and not self.failures:
            self.failures = {name: WorkerFailure(name, "unsupported", difference) for name in self.names}

    def _both_rounds(self) -> tuple[Rounds, Rounds]:
        first, second = (self._rounds(name) for name in self.names)
        return first, second

    def _rounds(self, name: str) -> Rounds:
        """A side's step times by round: its first and its second block."""
        blocks = [block.step_seconds for block in self.measured[name].blocks]
        return list(zip(blocks[::2], blocks[1::2], strict=True))

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

    def _prepare_anew(self, name: str) -> None:
        """The same in another process.

        Preparation is timed in the first, which had the machine to itself.
        """
        measured = self.measured[name]
        measured.process += 1
        self.session.end(name)
        took = {part: getattr(measured.facts, part) for part in PREPARING}
        measured.facts = replace(self.session.prepare(name, self.cases[name]).facts, **took)

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
