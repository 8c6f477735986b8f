"""One backend's combinations, one after another."""

import os
from collections.abc import Mapping, Sequence
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
from benchmarks.measure.soaking import is_soaked, soak_turn
from benchmarks.measure.tuning import tune
from benchmarks.request.case import Case
from benchmarks.request.limits import Limits
from benchmarks.request.request import Request
from benchmarks.request.service import SERVE, SOAK
from benchmarks.results.formatting import labeller
from benchmarks.results.schema import Report, Result
from benchmarks.results.sentences import OTHERS_DISTURBED
from common.cli import UnavailableError
from common.terminal import progress


def measure_one(request: Request, *, backend: str) -> Report:
    """A row for every combination of the request."""
    watch = MachineLoad()
    places = {backend: Installation(backend=backend)}
    with scratch_folder() as scratch, open_session(request, scratch=scratch, places=places) as session:
        rows = measure_all(session, backend)
        environment = describe(os.environ, session.versions) | watch.facts()
        environment |= describe_models(session.models, session.pair.folder)
        environment["warnings"] += _disturbed(rows)
    return Report(environment=environment, results=rows)


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


def measure_all(session: Session, backend: str) -> list[Result]:
    """A row for every combination of the session's request.

    What cannot be had becomes one as well.
    """
    rows, explainer = [], Diagnostics(session)
    try:
        write_own_weights(session)
    except WorkerFailure as failure:
        return [failed_row(session.request, case, failure) for case in session.request.cases]
    with progress(total=len(session.request.cases), unit="combinations") as bar:
        for case in session.request.cases:
            bar.set_description(str(case))
            try:
                rows.append(_measure(session, explainer, backend, case))
            except WorkerFailure as failure:
                session.end(backend)
                rows.append(failed_row(session.request, case, failure))
            bar.update()
    return with_efficiencies(on_one_machine(rows))


def _measure(session: Session, explainer: Diagnostics, backend: str, case: Case) -> Result:
    request = session.request
    tried: list[dict[str, Any]] = []
    if request.settings_mode == "tuned":
        case, tried = tune(session, backend, case)
    measured = session.prepare(backend, case)
    measured.tuning = tried
    session.warm_up(backend)
    if case.phase == SERVE:
        search_alone(session, backend, measured)
    elif case.phase == SOAK:
        while not is_soaked(session, measured):
            soak_turn(session, backend, measured)
    else:
        session.measure(backend, measured, min_steps=request.min_iterations, min_seconds=request.min_seconds)
    explainer.explain(backend, case, measured)
    mark_disturbed([measured.blocks])
    return measured_row(request, backend, case, measured)
