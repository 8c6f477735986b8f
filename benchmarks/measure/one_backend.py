"""One backend's combinations, one after another: what benchmarks.run measures."""

from typing import Any

from benchmarks.analysis.scaling import with_efficiencies
from benchmarks.manager.session import Session
from benchmarks.manager.worker_process import WorkerFailure
from benchmarks.measure.diagnostics import Explainer
from benchmarks.measure.rows import failed_row, measured_row
from benchmarks.request.request import Case
from benchmarks.results.schema import Result
from common.cli import progress


def measure_all(session: Session, backend: str) -> list[Result]:
    """A row for every combination of the session's request; what cannot be had becomes one as well."""
    rows, explainer = [], Explainer(session)
    with progress(total=len(session.request.cases)) as bar:
        for case in session.request.cases:
            bar.set_description(str(case))
            try:
                rows.append(_measure(session, explainer, backend, case))
            except WorkerFailure as failure:
                session.end(backend)
                rows.append(failed_row(session.request, case, failure))
            bar.update()
    return with_efficiencies(rows)


def _measure(session: Session, explainer: Explainer, backend: str, case: Case) -> Result:
    request = session.request
    tried: list[dict[str, Any]] = []
    if request.settings_mode == "tuned":
        from benchmarks.measure.tuning import tune

        case, tried = tune(session, backend, case)
    measured = session.prepare(backend, case)
    measured.tuning = tried
    session.warm_up(backend)
    session.measure(backend, measured, min_steps=request.min_iterations, min_seconds=request.min_seconds)
    explainer.explain(backend, case, measured)
    return measured_row(request, backend, case, measured)
