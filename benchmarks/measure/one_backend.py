"""One backend's combinations, one after another."""

import os
import tempfile
import time
from collections.abc import Mapping, Sequence
from functools import partial
from pathlib import Path
from typing import Any

from benchmarks.analysis.disturbance import mark_disturbed
from benchmarks.analysis.roofline import on_one_machine
from benchmarks.analysis.scaling import with_efficiencies
from benchmarks.manager.environment import describe, describe_models, git_commit
from benchmarks.manager.group_session import open_session
from benchmarks.manager.installations import Installation
from benchmarks.manager.scratch import scratch_folder
from benchmarks.manager.session import Session
from benchmarks.manager.worker_process import WorkerFailure
from benchmarks.measure import versions
from benchmarks.measure.diagnostics import Diagnostics
from benchmarks.measure.laps import Plan
from benchmarks.measure.machine_load import MachineLoad
from benchmarks.measure.own_weights import write_own_weights
from benchmarks.measure.rows import failed_row, measured_row
from benchmarks.measure.serving import search_alone
from benchmarks.measure.soaking import soak
from benchmarks.measure.tuning import tune
from benchmarks.measure.warming_up import untimed_steps
from benchmarks.request.case import Case
from benchmarks.request.limits import Limits
from benchmarks.request.request import Request
from benchmarks.request.service import SERVE, SOAK
from benchmarks.results import result_file
from benchmarks.results.formatting import labeller
from benchmarks.results.schema import Report, Result
from benchmarks.results.sentences import OTHERS_DISTURBED
from common.cli import Terminated, UnavailableError
from common.endings import FROM_THE_START, noting_on_stop
from common.terminal import progress


def measure_one(request: Request, *, backend: str) -> Report:
    """A row for every combination of the request.

    Where it is stopped, what was measured is written to ``request.json``, or to a file that the note on the
    exception names.
    """
    watch, rows = MachineLoad(), list[Result]()
    places = {backend: Installation(backend=backend)}
    with scratch_folder() as scratch, open_session(request, scratch=scratch, places=places) as session:

        def report() -> Report:
            done = with_efficiencies(on_one_machine(rows))
            environment = describe(os.environ, session.versions) | watch.facts()
            environment |= describe_models(session.models, session.pair.folder)
            environment["warnings"] += _disturbed(done)
            missing = [str(case) for case in request.cases[len(done) :]]
            return Report(environment=environment, results=done, missing=missing)

        with noting_on_stop(lambda: _kept(report(), request.json)):
            _measure_all(session, backend, rows)
        return report()


def _kept(report: Report, file: Path | None) -> str:
    """Write what was measured before a stop; where it lies, in words."""
    if not report.results:
        return FROM_THE_START
    target = file or Path(tempfile.mkdtemp(prefix="side-by-side-results-")) / "result.json"
    result_file.write(report, target)
    missing = f"; missing: {'; '.join(report.missing)}" if report.missing else ""
    return f"what was measured lies in {target}{missing}; the same command begins anew"


def _disturbed(rows: Sequence[Result]) -> list[str]:
    """A warning of the rows that others disturbed, as the kernel counted."""
    label = labeller(rows)
    names = [label(row) for row in rows if any(row.block_disturbed)]
    return [OTHERS_DISTURBED.format(names=", ".join(names))] if names else []


def measure_versions(
    request: Request,
    *,
    backend: str,
    places: Mapping[str, Installation],
    there: str,
    plan: Plan,
    limits: Limits,
) -> Report:
    """The same in turns with another version; ``places`` are versions.HERE and versions.THERE.

    ``there`` is what the report calls the other.
    """
    watch = MachineLoad()
    with scratch_folder() as scratch, open_session(request, scratch=scratch, places=places) as session:
        session.start(list(places))  # a side that cannot be had is said before the other is measured
        try:
            write_own_weights(session)
        except WorkerFailure as failure:
            raise UnavailableError(failure) from None
        rows, changes = versions.measure_against(session, plan, limits=limits)
        environment = _both_versions(session, backend, there) | watch.facts()
        environment |= describe_models(session.models, session.pair.folder)
        environment["warnings"] += _disturbed(rows)
    return Report(environment=environment, results=on_one_machine(rows), against=changes)


def _both_versions(session: Session, backend: str, there: str) -> dict[str, Any]:
    found, folder = session.versions, session.places[versions.THERE].folder
    here = {backend: found[versions.HERE]} if versions.HERE in found else {}
    other = {"place": there, **found.get(versions.THERE, {})}
    other |= {"repository_commit": git_commit(Path(folder))} if folder else {}
    return describe(os.environ, here) | {"against": other}


def _measure_all(session: Session, backend: str, rows: list[Result]) -> None:
    """Append a row for every combination of the session's request.

    What cannot be had becomes one as well.
    """
    explainer = Diagnostics(session)
    try:
        write_own_weights(session)
    except WorkerFailure as failure:
        rows += [failed_row(session.request, case, failure) for case in session.request.cases]
        return
    with progress(total=len(session.request.cases), unit="combinations") as bar:
        for case in session.request.cases:
            bar.set_description(str(case))
            try:
                _measure(session, explainer, backend, case, rows)
            except WorkerFailure as failure:
                session.end(backend)
                rows.append(failed_row(session.request, case, failure))
            bar.update()


def _timed_steps(session: Session, backend: str, steps: int) -> float:
    began = time.monotonic()
    session.warm_up(backend, steps)
    return time.monotonic() - began


def _measure(session: Session, explainer: Diagnostics, backend: str, case: Case, rows: list[Result]) -> None:
    request = session.request
    tried: list[dict[str, Any]] = []
    if request.settings_mode == "tuned":
        case, tried = tune(session, backend, case)
    measured = session.prepare(backend, case)
    measured.tuning = tried
    measured.warmup_steps = untimed_steps(request.warmup, partial(_timed_steps, session, backend))
    if case.phase == SERVE:
        search_alone(session, backend, measured)
    elif case.phase == SOAK:
        try:
            soak(session, backend, measured)
        except (KeyboardInterrupt, Terminated):  # hours of it, perhaps: the memory until then is a finding
            if measured.soaked.get("steps"):
                measured.soaked["stopped"] = "when it was interrupted"
                rows.append(measured_row(request, backend, case, measured))
            raise
    else:
        session.measure(backend, measured, min_steps=request.min_iterations, min_seconds=request.min_seconds)
    explainer.explain(backend, case, measured)
    mark_disturbed([measured.blocks])
    rows.append(measured_row(request, backend, case, measured))
