"""Two backends taking turns: A B B A, then B A A B, in short blocks of whole steps."""

import math
from collections.abc import Callable, Iterable, Mapping, Sequence
from typing import Any

import numpy as np

from backends import NAMES
from benchmarks.explaining import Explainer
from benchmarks.intervals import Rounds, drift, estimate_ratio, outlier_fraction
from benchmarks.measured import Measured
from benchmarks.options import Case
from benchmarks.processes import WorkerFailure
from benchmarks.results import UNEQUAL_SETTINGS, Comparison, Result
from benchmarks.rows import failed_row, measured_row
from benchmarks.session import Session

BLOCK_SECONDS = 0.15  # a few steps at most: the shorter the turns, the more drift cancels
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


class Alternation:
    """One combination on both backends. What one of them cannot do becomes a row; the other goes on."""

    def __init__(self, session: Session, case: Case, *, explainer: Explainer) -> None:
        self.session, self.case, self.names, self._explainer = session, case, NAMES, explainer
        self.cases = dict.fromkeys(NAMES, case)  # what each side runs: only tuning makes them differ
        self.processes: list[int] = []
        self.tuning: dict[str, list[dict[str, Any]]] = {}
        self.measured: dict[str, Measured] = {}
        self.failures: dict[str, WorkerFailure] = {}

    def run(self, *, rounds: int, processes: int, after_round: Callable[[], object]) -> None:
        """Prepare and warm up both, then let them take turns; each part of the rounds in new processes."""
        if self.session.request.settings_mode == "tuned":
            self._each(self._tune)
        groups = np.array_split(np.arange(rounds), max(1, min(processes, rounds // 2)))
        self.processes = [len(group) for group in groups]
        for group in groups:
            if group[0] > 0:  # a process lies in memory in its own way: another one may be faster
                self._each(self.session.end)
            self._each(self._prepare)
            self._require_comparable()
            self._each(self.session.warm_up)
            for number in group:
                order = self.names if number % 2 == 0 else self.names[::-1]
                for name in (*order, *order[::-1]):
                    self._attempt(name, lambda name: self._measure(name, blocks=2 * rounds))
                after_round()
        self._each(self._finish)

    def _require_comparable(self) -> None:
        mode = self.session.request.settings_mode
        keys: tuple[str, ...] = COMPARABLE if mode == "equalised" else ("device",)
        facts = {name: measured.facts for name, measured in self.measured.items()}
        if len({case.engine for case in self.cases.values()}) > 1 or self.case.engine != "eager":
            keys = tuple(key for key in keys if key not in ("layout", "activation_dtype"))  # may be unknown
        difference = unequal_settings(facts, keys=keys)
        if difference and not self.failures:
            self.failures = {name: WorkerFailure(name, "unsupported", difference) for name in self.names}

    def rows(self) -> list[Result]:
        """A result of each backend that was tried."""
        return [
            failed_row(self.session.request, self.cases[name], self.failures[name])
            if name in self.failures
            else measured_row(self.session.request, name, self.cases[name], self.measured[name])
            for name in self.names
            if name in self.failures or name in self.measured
        ]

    def comparison(self) -> Comparison:
        """Both backends in one row, with a verdict."""
        rows = self.rows()
        speeds: dict[str, Any] = {f"{row.backend}_images_per_second": row.images_per_second for row in rows}
        request, case = self.session.request, self.case
        common: dict[str, Any] = {
            "model": request.model,
            "phase": case.phase,
            "engine": _both(row.engine for row in rows),
            "precision": _both(row.precision for row in rows),
            "layout": case.layout,
            "threads": case.threads,
            "device": rows[0].device,
            "batch_size": case.batch_size,
            "processes": case.processes,
            "settings": request.settings_mode,
        }
        if self.failures:
            reason = "; ".join(dict.fromkeys(failure.reason for failure in self.failures.values()))
            return Comparison(**common, **speeds, verdict="not comparable", reason=reason)
        both = self._rounds("torch"), self._rounds("paddle")
        estimate = estimate_ratio(*both, processes=self.processes, seed=request.seed)
        return Comparison(
            **common,
            **speeds,
            ratio=estimate.ratio,
            ratio_ci95=estimate.interval,
            noise=estimate.noise,
            drift=drift(*both),
            outliers=max(outlier_fraction(self.measured[name].step_seconds) for name in self.names),
            verdict=estimate.verdict,
        )

    def _rounds(self, name: str) -> Rounds:
        """A backend's step times by round: its first and its second block."""
        blocks = [block.step_seconds for block in self.measured[name].blocks]
        return list(zip(blocks[::2], blocks[1::2], strict=True))

    def _each(self, action: Callable[[str], object]) -> None:
        for name in self.names:
            self._attempt(name, action)

    def _attempt(self, name: str, action: Callable[[str], object]) -> None:
        """Do something with a backend unless it has failed already."""
        if name not in self.failures:
            try:
                action(name)
            except WorkerFailure as failure:
                self.failures[name] = failure
                self.session.end(name)

    def _prepare(self, name: str) -> None:
        before = self.measured.get(name)
        measured = self.session.prepare(name, self.cases[name])
        if before is not None:  # the same in another process: it goes on
            measured.blocks = before.blocks
            compile_seconds = before.facts.get("compile_seconds")
            if compile_seconds is not None:  # the first time; later ones may find it in a cache
                measured.facts["compile_seconds"] = compile_seconds
        measured.tuning = self.tuning.get(name, [])
        self.measured[name] = measured

    def _tune(self, name: str) -> None:
        from benchmarks.tuning import tune

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


def unequal_settings(
    facts: Mapping[str, Mapping[str, Any]], *, keys: Sequence[str] = COMPARABLE
) -> str | None:
    """Which settings in force differ between the backends, as a reason; None if none does."""
    if len(facts) < 2:
        return None
    (ours, left), (theirs, right) = ((name, {**fact["settings"], **fact}) for name, fact in facts.items())
    different = [
        f"{key} is {left[key]} in {ours} and {right[key]} in {theirs}"
        for key in keys
        if left[key] != right[key]
    ]
    return f"{UNEQUAL_SETTINGS}: {'; '.join(different)}" if different else None


def _both(words: Iterable[str]) -> str:
    """One word where both sides have the same, else torch's and paddle's."""
    return " / ".join(dict.fromkeys(words))
