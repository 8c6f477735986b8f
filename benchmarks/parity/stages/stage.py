"""One stage of a report: its tensors, its verdict, and where it first departs."""

from collections.abc import Sequence
from dataclasses import asdict, dataclass, field
from math import isfinite
from typing import Any

from benchmarks.manager.worker_process import WorkerFailure
from benchmarks.parity.judge.causes import likely
from benchmarks.parity.judge.gap import DIFFERENCE, FAIL, KNOWN, PASS, TOLERANCE, Gap
from benchmarks.parity.judge.localization import Suspect

ERROR = "error"


@dataclass(frozen=True, kw_only=True)
class Problem:
    """An exception that ended a stage: whose, what it said, in which layer, and where in the user's code."""

    backend: str | None
    reason: str
    layer: str | None = None
    place: str | None = None
    code: str | None = None
    lost: bool = False  # the worker died, hung or ran out of memory: says nothing of the models

    @classmethod
    def of(cls, failure: WorkerFailure) -> "Problem":
        """The problem that a worker reported."""
        lost = failure.is_gone or failure.status in ("out-of-memory", "timeout")
        return cls(backend=failure.backend, reason=failure.reason, lost=lost, **failure.details)


@dataclass(kw_only=True)
class Stage:
    """Result of a stage.

    ``suspect`` is the layer to blame, ``first`` the tensor that shows it.
    """

    name: str
    dtype: str | None = "float64"
    tolerance: float | None = TOLERANCE
    gaps: Sequence[Gap] = ()
    first: Gap | None = None
    suspect: Suspect | None = None
    facts: dict[str, Any] = field(default_factory=dict)
    causes: Sequence[str] = ()
    problem: Problem | None = None

    @property
    def verdict(self) -> str:
        """The worst of the tensors' verdicts; "error" if an exception ended the stage."""
        if self.problem is not None:
            return ERROR
        verdicts = {gap.verdict for gap in self.gaps}
        return next((verdict for verdict in (FAIL, DIFFERENCE, KNOWN, PASS) if verdict in verdicts), PASS)

    def as_json(self) -> dict[str, Any]:
        """The stage as a report has it."""
        return {
            "stage": self.name,
            "dtype": self.dtype,
            "verdict": self.verdict,
            "tolerance": self.tolerance,
            "tensors": [asdict(gap) for gap in self.gaps],
            "error": None if self.problem is None else asdict(self.problem),
            "divergence": self.divergence() if self.verdict in (FAIL, ERROR) else None,
            **self.facts,
        }

    def divergence(self) -> dict[str, Any]:
        """The first divergence, as a report has it. For a stage that failed or ended in an exception."""
        if self.problem is not None:
            return _of_problem(self.name, self.problem)
        first = self.first or next(gap for gap in self.gaps if gap.verdict == FAIL)
        suspect = self.suspect or Suspect(layer=None, relative_l2=None, path="")
        worst = max(gap.relative_l2 for gap in self.gaps if gap.verdict == FAIL)
        passing = worst if isfinite(worst) else None  # no tolerance lets NaN, or a missing tensor, pass
        return {
            "stage": self.name,
            "name": first.name,
            "layer": suspect.layer,
            "relative_l2": first.relative_l2,
            "max_abs": first.max_abs,
            "path": suspect.path or None,
            "note": first.note,
            "layer_type": suspect.base,
            "likely_causes": [*self.causes]
            or likely(stage=self.name, base=suspect.base, layer=suspect.layer, note=first.note or ""),
            "tolerance_that_would_pass": passing,
        }


def _of_problem(stage: str, problem: Problem) -> dict[str, Any]:
    """The first divergence where it is an exception: no tensor shows it."""
    where = f"{problem.place}: {problem.code}" if problem.place else None
    return {
        "stage": stage,
        "name": f"an exception on {problem.backend}" if problem.backend else "a stage that was not run",
        "layer": problem.layer,
        "relative_l2": None,
        "max_abs": None,
        "path": problem.reason,
        "note": where,
        "layer_type": None,
        "likely_causes": ["the code there; the other side did not get that far, or got through"]
        if problem.backend
        else [],
        "tolerance_that_would_pass": None,
    }
