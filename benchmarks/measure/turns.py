"""Which way two sides take turns, by the phase."""

from benchmarks.manager.session import Session
from benchmarks.measure.diagnostics import Diagnostics
from benchmarks.measure.interleave import Interleaving
from benchmarks.measure.serving import Serving
from benchmarks.measure.soaking import Soaking
from benchmarks.request.case import Case
from benchmarks.request.service import SERVE, SOAK

KINDS: dict[str, type[Interleaving]] = {SERVE: Serving, SOAK: Soaking}


def turns_of(session: Session, case: Case, *, explainer: Diagnostics) -> Interleaving:
    """Both sides of a case, with nothing measured yet."""
    return KINDS.get(case.phase, Interleaving)(session, case, explainer=explainer)
