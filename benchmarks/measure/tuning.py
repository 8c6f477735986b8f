"""The best that a backend can do: engines, layouts and precisions in turn, then thread counts."""

from dataclasses import replace
from typing import Any

from benchmarks.manager.session import Session
from benchmarks.manager.worker_process import WorkerFailure
from benchmarks.request.case import Case
from common.terminal import progress

ROUNDOFF = {"bf16": 2**-9, "fp16": 2**-12, "tf32": 2**-12}  # no logit can be nearer to float64
TRIAL_SECONDS, TRIAL_STEPS = 0.5, 3
HOPELESS = 2.0  # so many times slower than the best so far after one step: it is not tried further


def tune(session: Session, name: str, case: Case) -> tuple[Case, list[dict[str, Any]]]:
    """The fastest candidate for a phase and batch size, and all that was tried.

    Each runs shortly, alone; what is chosen is measured at length later. Thread counts are tried on the
    fastest engine only. Raises WorkerFailure if nothing ran within ``--max-error``.
    """
    own = [
        candidate
        for candidate in session.request.candidates
        if (candidate.phase, candidate.batch_size) == (case.phase, case.batch_size)
    ]
    most = max(candidate.threads for candidate in own)
    search = _Search(session, name)
    first = [candidate for candidate in own if candidate.threads == most]
    fewer = sorted({candidate.threads for candidate in own} - {most}, reverse=True)
    with progress(total=len(first) + len(fewer), unit="candidates", what=f"tuning {name}") as bar:
        for candidate in first:
            search.attempt(candidate)
            bar.update()
        for threads in fewer:
            if search.best is not None:
                search.attempt(replace(search.best, threads=threads))
            bar.update()
    if search.best is None:
        reasons = "; ".join(dict.fromkeys(str(tried["outcome"]) for tried in search.tried))
        raise WorkerFailure(name, "unsupported", f"nothing that tuning tried can be had: {reasons}"[:1000])
    return search.best, search.tried


class _Search:
    def __init__(self, session: Session, name: str) -> None:
        self.session, self.name = session, name
        self.best: Case | None = None
        self.speed = 0.0
        self.tried: list[dict[str, Any]] = []

    def attempt(self, case: Case) -> None:
        """Try one candidate, and remember what came of it."""
        speed, outcome = None, "tried"
        limit = self.session.request.max_error
        if ROUNDOFF.get(case.precision, 0) > limit:
            outcome = f"rounds to more than --max-error {limit:g}"
        else:
            try:
                speed, outcome = self._speed(case, limit)
            except WorkerFailure as failure:
                outcome = f"{failure.status}: {failure.reason}"
                self.session.end(self.name)
        if speed is not None and speed > self.speed:
            self.best, self.speed = case, speed
        self.tried.append(
            {
                "engine": case.engine,
                "precision": case.precision,
                "layout": case.layout,
                "threads": case.threads,
                "images_per_second": speed,
                "outcome": outcome,
            }
        )

    def _speed(self, case: Case, limit: float) -> tuple[float | None, str]:
        measured = self.session.prepare(self.name, case)
        error = measured.facts.error or 0.0
        if error > limit:
            return None, f"error {error:.1e} is more than --max-error {limit:g}"
        self.session.measure(self.name, measured, min_steps=1, min_seconds=0)
        speed = case.batch_size / min(measured.step_seconds)
        if speed * HOPELESS < self.speed:
            return speed, "tried for one step"
        self.session.measure(self.name, measured, min_steps=TRIAL_STEPS, min_seconds=TRIAL_SECONDS)
        return case.batch_size / sorted(measured.step_seconds)[len(measured.step_seconds) // 2], "tried"
