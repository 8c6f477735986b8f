"""--largest-batch: how many images at once fit into a memory limit, on each side."""

import os
from collections.abc import Sequence
from dataclasses import asdict, replace

from benchmarks.analysis.largest_batch import search
from benchmarks.manager.environment import describe
from benchmarks.manager.installations import Installation
from benchmarks.manager.scratch import scratch_folder
from benchmarks.manager.session import Session
from benchmarks.manager.worker_process import WorkerFailure
from benchmarks.measure.own_weights import write_own_weights
from benchmarks.request.case import Case
from benchmarks.request.request import Request
from benchmarks.results.schema import LargestBatch, Report
from common.cli import UnavailableError, UsageError
from common.runtime import memory
from common.terminal import progress

STEPS = 2  # the second one has what an optimizer keeps beside the first one's gradients


def require_searchable(request: Request) -> None:
    """Raise UsageError for what no batch is looked for, UnavailableError for a limit above what is free."""
    for given, flag in (
        (request.grouped, "--processes"),
        (request.data is not None, "--data"),
        (request.settings_mode == "tuned", "--settings tuned"),
        (request.layers, "--layers"),
        (request.reference is not None, "--reference"),
        (any(case.phase not in ("infer", "train") for case in request.cases), "--phase data and startup"),
    ):
        if given:
            raise UsageError(f"--largest-batch looks for a size of a fixed batch: leave {flag} out")
    available = memory.available_bytes()
    limit = request.largest_batch or 0
    if not request.device.startswith("gpu") and available is not None and limit > available:
        raise UnavailableError(
            f"--largest-batch: a limit of {limit / 2**30:,.3g} GiB, and {available / 2**30:,.3g} are free"
        )


def largest_batches(request: Request, names: Sequence[str]) -> Report:
    """A row for every combination on every side; what cannot be had has its reason.

    A batch fits if the whole worker, framework included, stays below the limit while it makes whole steps;
    on a GPU, what the framework's allocator holds. Each try has a worker of its own, for memory that was
    freed is not always given back.
    """
    limit = request.largest_batch
    assert limit is not None, "who asks gives a limit"
    places = {name: Installation(backend=name) for name in names}
    cases = tuple(dict.fromkeys(replace(case, batch_size=1) for case in request.cases))
    rows = []
    with (
        scratch_folder() as scratch,
        Session(request, scratch=scratch, places=places) as session,
        progress(total=len(cases) * len(places), unit="searches") as bar,
    ):
        session.start(list(places))
        try:
            write_own_weights(session)
        except WorkerFailure as failure:
            raise UnavailableError(failure) from None
        for case in cases:
            for name in places:
                bar.set_description(f"{name} {case.phase} {case.engine}")
                rows.append(_row(session, name, case, limit=limit))
                bar.update()
        environment = describe(os.environ, session.versions)
    return Report(environment=environment, results=[], largest_batches=rows)


def _row(session: Session, name: str, case: Case, *, limit: int) -> LargestBatch:
    def bytes_of(size: int) -> int | None:
        try:
            return _peak(session, name, replace(case, batch_size=size))
        except WorkerFailure as failure:
            if failure.status != "out-of-memory":
                raise
            return None
        finally:
            session.end(name)

    asked = {key: value for key, value in asdict(case).items() if key not in ("batch_size", "beside")}
    common = {**asked, "backend": name, "model": session.request.model, "limit_bytes": limit}
    try:
        found = search(bytes_of, limit)
    except WorkerFailure as failure:
        return LargestBatch(**common, status=failure.status, reason=failure.explained)
    return LargestBatch(
        **common,
        status="ok",
        largest_batch=found.largest,
        peak_memory_bytes=found.tried.get(found.largest),
        next_batch=found.above,
        next_memory_bytes=found.tried.get(found.above) if found.above else None,
        tried=dict(sorted(found.tried.items())),
    )


def _peak(session: Session, name: str, case: Case) -> int:
    session.prepare(name, case)
    worker = session.worker(name)
    worker.ask("warm_up", steps=STEPS)
    found = worker.ask("whole_memory_bytes")
    if found is None:
        raise WorkerFailure(name, "unsupported", "this system does not report a process's peak memory")
    return int(found)
