"""Both backends side by side: parity first, then every combination in turns."""

from collections.abc import Mapping
from contextlib import nullcontext
from pathlib import Path
from typing import Any

from backends import NAMES
from benchmarks.manager.group_session import open_session
from benchmarks.manager.installations import Installation
from benchmarks.manager.scratch import scratch_folder
from benchmarks.manager.session import Session
from benchmarks.manager.worker_process import WorkerFailure
from benchmarks.measure.laps import Plan
from benchmarks.measure.own_weights import write_own_weights
from benchmarks.measure.resume import (
    earlier_report,
    request_facts,
    require_same_models,
    require_same_place,
    require_same_versions,
)
from benchmarks.measure.shared_workers import SharedWorkers
from benchmarks.measure.sweep import Sweep
from benchmarks.parity.comparison import run_gate
from benchmarks.request.request import DEFAULT_MARGIN, Request
from benchmarks.results.schema import CompareReport
from common.terminal import progress


def measure_both(
    request: Request,
    *,
    plan: Plan,
    margin: float = DEFAULT_MARGIN,
    skip_parity: bool = False,
    folder: Path | None = None,
    places: Mapping[str, Installation] | None = None,
    provers: SharedWorkers | None = None,
) -> CompareReport:
    """Check parity, then time every combination; nothing is timed where parity is broken.

    ``margin``, in percent, is what makes two sides equal. Results go to ``folder`` as they arise; those that
    lie there are kept. ``provers`` are lent for the proof, and for the weights of the user's own models.
    """
    # A folder may hold an earlier call's results, which are not measured again.
    asked = {"rounds": plan.rounds, "pairs": plan.pairs, "precise": plan.precise, "margin": margin}
    facts = request_facts(request, **asked, skip_parity=skip_parity)
    earlier = earlier_report(folder, facts) if folder else None
    if earlier and folder:
        require_same_place(earlier, folder, device=request.device)
    with (
        scratch_folder() as scratch,
        open_session(request, scratch=scratch, places=places) as session,
        progress(total=plan.rounds * len(request.cases), unit="rounds") as bar,
    ):
        sweep = Sweep(session, facts=facts, folder=folder, earlier=earlier, margin=margin)
        # Proof before speed. Each worker that measures is started afresh.
        try:
            with provers.lent_to(session) if provers else nullcontext():
                if not skip_parity and any(case.phase != "data" for case in request.cases):
                    bar.set_description("parity in float64")
                    proven = earlier and earlier.parity and earlier.parity["verdict"] == "pass"
                    sweep.parity = earlier.parity if earlier and proven else _gate(session, scratch)
                if sweep.parity is None or sweep.parity["verdict"] == "pass":
                    write_own_weights(session)
            if sweep.parity is None or sweep.parity["verdict"] == "pass":
                session.start(NAMES)
                if plan.cold_starts:
                    session.see_installed()
        except WorkerFailure as failure:
            if earlier and earlier.results:  # what lies there stays
                raise
            return sweep.failed(failure)
        if earlier and folder:
            require_same_versions(earlier, session.versions, folder)
            require_same_models(earlier, session.models, folder)
        if sweep.parity is None or sweep.parity["verdict"] == "pass":
            sweep.run(plan, bar=bar)
        return sweep.report()


def _gate(session: Session, scratch: Path) -> dict[str, Any]:
    session.start_missing(NAMES)
    sides = [session.worker(name) for name in NAMES]
    return run_gate(*sides, subject=session.pair, scratch=scratch)
