"""One comparison after another, each kept in a folder of its own as soon as it is there."""

from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

from backends import NAMES
from benchmarks.manager.scratch import scratch_folder
from benchmarks.manager.session import Session
from benchmarks.measure.both_backends import measure_both
from benchmarks.measure.laps import Plan
from benchmarks.measure.resume import (
    FILE,
    earlier_report,
    has_changed,
    is_complete,
    request_facts,
    require_same_place,
)
from benchmarks.measure.shared_workers import SharedWorkers
from benchmarks.measure.unfinished import NAME as UNFINISHED
from benchmarks.request.request import Request
from benchmarks.results import result_file
from benchmarks.results.outcome import Outcome
from benchmarks.results.schema import CompareReport
from common.cli import UnavailableError, UsageError


def measure_pairs(
    requests: Mapping[str, Request], folder: Path, *, rounds: int, pairs: int, skip_parity: bool = False
) -> Iterator[Outcome]:
    """The outcome of each pair, in order; what lies complete in ``folder`` is not measured again.

    Results of other versions of the frameworks, or of other files of the user's, are renamed and made anew.
    A pair that cannot be had loses no other. Raises UsageError if the folder holds other requests' results.
    """
    how: dict[str, Any] = {"rounds": rounds, "pairs": pairs, "skip_parity": skip_parity}
    earlier = {
        name: earlier_report(folder / name, request_facts(request, **how))
        for name, request in requests.items()
    }
    for name, report in earlier.items():
        if report is not None:
            require_same_place(report, folder / name, device=requests[name].device)
    versions = _versions(next(iter(requests.values()))) if any(earlier.values()) else {}
    with SharedWorkers() as provers:
        yield from _each(requests, folder, earlier, versions, how=how, provers=provers)


def _each(
    requests: Mapping[str, Request],
    folder: Path,
    earlier: Mapping[str, CompareReport | None],
    versions: Mapping[str, Any],
    *,
    how: Mapping[str, Any],
    provers: SharedWorkers,
) -> Iterator[Outcome]:
    for name, request in requests.items():
        report = earlier[name]
        if report is not None and is_complete(report, request, versions, skip_parity=how["skip_parity"]):
            yield Outcome(name=name, report=report, is_new=False)
            continue
        if report is not None and has_changed(report, versions):
            _put_aside(folder / name)
        yield _measured(name, request, folder / name, how, provers)


def _put_aside(folder: Path) -> None:
    """Rename the results of other versions or files: new ones cannot stand beside them."""
    for name in (FILE, UNFINISHED):
        if (folder / name).exists():
            (folder / name).replace(folder / f"earlier-{name}")


def _measured(
    name: str, request: Request, folder: Path, how: Mapping[str, Any], provers: SharedWorkers
) -> Outcome:
    folder.mkdir(parents=True, exist_ok=True)
    try:
        plan = Plan(rounds=how["rounds"], pairs=how["pairs"])
        report = measure_both(
            request, plan=plan, skip_parity=how["skip_parity"], folder=folder, provers=provers
        )
    except (UsageError, UnavailableError) as error:
        return Outcome(name=name, reason=str(error))
    result_file.write(report, folder / FILE)
    return Outcome(name=name, report=report)


def _versions(request: Request) -> dict[str, Any]:
    """Versions of both frameworks here: what was kept must be of them."""
    with scratch_folder() as scratch, Session(request, scratch=scratch) as session:
        session.start(NAMES)
        return session.versions
