"""Two backends taking turns: A B B A, then B A A B, in short blocks of whole steps."""

import math
from collections.abc import Callable, Mapping, Sequence
from typing import Any

from backends import NAMES
from benchmarks.intervals import Rounds, estimate_ratio
from benchmarks.measured import Measured
from benchmarks.options import Case
from benchmarks.processes import WorkerFailure
from benchmarks.results import UNEQUAL_SETTINGS, Comparison, Result
from benchmarks.session import Session

BLOCK_SECONDS = 0.3  # short against a machine's drift, long against the change of turns
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

    def __init__(self, session: Session, case: Case, *, names: Sequence[str] = NAMES) -> None:
        self.session, self.case, self.names = session, case, names
        self.measured: dict[str, Measured] = {}
        self.failures: dict[str, WorkerFailure] = {}

    def run(self, *, rounds: int, after_round: Callable[[], object]) -> None:
        """Prepare and warm up both, then let them take turns."""
        self._each(self._prepare)
        difference = unequal_settings({name: measured.facts for name, measured in self.measured.items()})
        if difference:
            self.failures = {name: WorkerFailure(name, "unsupported", difference) for name in self.names}
        self._each(self.session.warm_up)
        for number in range(rounds):
            order = self.names if number % 2 == 0 else self.names[::-1]
            for name in (*order, *order[::-1]):
                self._attempt(name, lambda name: self._measure(name, blocks=2 * rounds))
            after_round()
        self._each(self._finish)

    def rows(self) -> list[Result]:
        """A result of each backend that was tried."""
        return [
            self.session.failed_row(self.case, self.failures[name])
            if name in self.failures
            else self.session.row(name, self.case, self.measured[name])
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
            "engine": case.engine,
            "precision": case.precision,
            "device": rows[0].device,
            "batch_size": case.batch_size,
            "settings": request.settings_mode,
        }
        if self.failures:
            reason = "; ".join(dict.fromkeys(failure.reason for failure in self.failures.values()))
            return Comparison(**common, **speeds, verdict="not comparable", reason=reason)
        estimate = estimate_ratio(self._rounds("torch"), self._rounds("paddle"), seed=request.seed)
        return Comparison(
            **common,
            **speeds,
            ratio=estimate.ratio,
            ratio_ci95=estimate.interval,
            noise=estimate.noise,
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
        self.measured[name] = self.session.prepare(name, self.case)

    def _measure(self, name: str, *, blocks: int) -> None:
        request = self.session.request
        self.session.measure(
            name,
            self.measured[name],
            min_steps=math.ceil(request.min_iterations / blocks),
            min_seconds=max(request.min_seconds / blocks, BLOCK_SECONDS),
        )

    def _finish(self, name: str) -> None:
        self.session.finish(name, self.case, self.measured[name])


def unequal_settings(facts: Mapping[str, Mapping[str, Any]]) -> str | None:
    """Which settings in force differ between the backends, as a reason; None if none does."""
    if len(facts) < 2:
        return None
    (ours, left), (theirs, right) = ((name, {**fact["settings"], **fact}) for name, fact in facts.items())
    different = [
        f"{key} is {left[key]} in {ours} and {right[key]} in {theirs}"
        for key in COMPARABLE
        if left[key] != right[key]
    ]
    return f"{UNEQUAL_SETTINGS}: {'; '.join(different)}" if different else None
