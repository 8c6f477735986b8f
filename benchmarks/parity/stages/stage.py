"""One stage of a report: its tensors, its verdict, and where it first departs."""

from collections.abc import Sequence
from dataclasses import asdict, dataclass, field
from typing import Any

from benchmarks.parity.judge.causes import likely
from benchmarks.parity.judge.gap import FAIL, KNOWN, PASS, TOLERANCE, Gap
from benchmarks.parity.judge.localization import Suspect


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

    @property
    def verdict(self) -> str:
        """The worst of the tensors' verdicts."""
        verdicts = {gap.verdict for gap in self.gaps}
        return next((verdict for verdict in (FAIL, KNOWN, PASS) if verdict in verdicts), PASS)

    def as_json(self) -> dict[str, Any]:
        """The stage as a report has it."""
        return {
            "stage": self.name,
            "dtype": self.dtype,
            "verdict": self.verdict,
            "tolerance": self.tolerance,
            "tensors": [asdict(gap) for gap in self.gaps],
            **self.facts,
        }

    def divergence(self) -> dict[str, Any]:
        """The first divergence, as a report has it. For a stage that failed."""
        first = self.first or next(gap for gap in self.gaps if gap.verdict == FAIL)
        suspect = self.suspect or Suspect(layer=None, relative_l2=None, path="")
        worst = max(gap.relative_l2 for gap in self.gaps if gap.verdict == FAIL)
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
            or likely(stage=self.name, base=suspect.base, layer=suspect.layer),
            "tolerance_that_would_pass": worst,
        }
