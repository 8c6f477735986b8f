"""Two sides taking turns: A B B A, then B A A B, in short blocks of whole steps."""

import math
import time
from collections.abc import Callable, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace
from typing import TYPE_CHECKING, Any

from benchmarks.manager.session import Session
from benchmarks.manager.worker_process import WorkerFailure
from benchmarks.measure.comparable import compared_settings, unequal_settings
from benchmarks.measure.diagnostics import Diagnostics
from benchmarks.measure.machine_load import MachineLoad
from benchmarks.measure.rounds import Rounds
from benchmarks.measure.rows import failed_row, measured_row
from benchmarks.measure.warming_up import untimed_steps
from benchmarks.request.case import Case
from benchmarks.results.schema import Result

if TYPE_CHECKING:
    from tqdm import tqdm

FOUND_ONCE = ("layout", "activation_dtype")  # of the settings in force
SIZES = ("parameters", "flops_per_image", "moved_per_image", "least_bytes")
PREPARING = ("build_seconds", "load_seconds", "compile_seconds")
BLOCK_SECONDS = 0.15  # a few steps at most: the shorter the turns, the more drift cancels


def _missing(now: object, first: object, names: Sequence[str]) -> dict[str, Any]:
    """What is None now, as it was first."""
    return {name: getattr(first, name) for name in names if getattr(now, name) is None}


class Interleaving(Rounds):
    """One combination on both sides of a session.

    What one cannot do becomes a row; the other goes on.
    """

    def __init__(self, session: Session, case: Case, *, explainer: Diagnostics) -> None:
        super().__init__(list(session.places))
        self.session, self.case, self._explainer = session, case, explainer
        self.cases = dict.fromkeys(self.names, case)  # what each side runs: only tuning makes them differ
        self.tuning: dict[str, list[dict[str, Any]]] = {}
        self.circumstances: list[dict[str, Any]] = []  # the machine's, of each pair of processes
        self.is_prepared = False  # in this session

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

    def glance(self) -> None:
        """Read shortly what the machine reaches in these processes; whoever cannot loses nothing by it."""
        for name in self.names:
            if name not in self.failures:
                try:
                    self._explainer.glance(name, self.cases[name], self.measured[name].facts.device)
                except WorkerFailure:
                    self.session.end(name)

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

    def _require_comparable(self) -> None:
        keys = compared_settings(self.session.request.settings_mode, list(self.cases.values()))
        facts = {name: measured.facts for name, measured in self.measured.items()}
        difference = unequal_settings(facts, keys=keys)
        if difference and not self.failures:
            self.failures = {name: WorkerFailure(name, "unsupported", difference) for name in self.names}

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
