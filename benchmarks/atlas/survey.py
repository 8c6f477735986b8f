"""A whole atlas: workers started, every case examined and, if asked, timed, every row kept at once."""

import os
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from benchmarks.atlas.cases.case import Case
from benchmarks.atlas.journal import Journal
from benchmarks.atlas.judging.examine import Examination
from benchmarks.atlas.row import ERROR, AtlasReport, Row, Speed
from benchmarks.atlas.sides import Sides
from benchmarks.atlas.speed import NOT_TIMED, is_timed, time_case, untimed
from benchmarks.manager.environment import describe
from benchmarks.manager.installations import Installation
from benchmarks.manager.scratch import scratch_folder
from benchmarks.manager.worker_process import WorkerFailure
from common.cli import UnavailableError
from common.terminal import progress


@dataclass(frozen=True, kw_only=True)
class Wanted:
    """What is surveyed: which cases on which sides, timed or not, and where rows are kept."""

    cases: Sequence[Case]
    places: Mapping[str, Installation]
    speed: bool = False
    folder: Path | None = None
    threads: int = 1
    timeout: float = 60.0


def survey(wanted: Wanted) -> AtlasReport:
    """Examine every case that has no row yet. Raises UnavailableError where a side cannot start."""
    how: dict[str, Any] = {"threads": wanted.threads, "timeout": wanted.timeout}
    try:
        with scratch_folder() as scratch, Sides(wanted.places, scratch=scratch, **how) as sides:
            header = {"sides": list(wanted.places), "versions": sides.versions, "threads": wanted.threads}
            asked = {case.id: case.fingerprint for case in wanted.cases}
            journal = Journal(wanted.folder, header=header, asked=asked)
            _walk(wanted, sides, journal)
    except WorkerFailure as failure:
        raise UnavailableError(f"{failure.backend}: {failure.status}: {failure.reason}") from None
    ours, theirs = wanted.places
    return AtlasReport(
        sides=(ours, theirs),
        rows=[journal.rows[case.id] for case in wanted.cases],
        environment=describe(os.environ, sides.versions),
    )


def _walk(wanted: Wanted, sides: Sides, journal: Journal) -> None:
    with progress(total=len(wanted.cases), unit="cases") as bar:
        for case in wanted.cases:
            bar.set_description(case.family, refresh=False)
            row = journal.rows.get(case.id)
            if row is None:
                row = _examined(sides, case)
                journal.add(row)
            if wanted.speed and not row.speed and is_timed(case, row):
                journal.add(row.model_copy(update={"speed": _timed(sides, case, row)}))
            bar.update()


def _examined(sides: Sides, case: Case) -> Row:
    """A case's row. One that we cannot judge is an error, and no end of the others."""
    examination = Examination(sides, case)
    try:
        return examination.examine()
    except WorkerFailure:  # none can be started any more
        raise
    except Exception as error:
        if case.isolated:
            sides.renew()
        reason = f"the atlas itself: {type(error).__name__}: {error}"
        return examination.row.model_copy(update={"verdict": ERROR, "reason": reason})


def _timed(sides: Sides, case: Case, row: Row) -> list[Speed]:
    """A case's times; see ``_examined``."""
    try:
        found = time_case(sides, case, row)
        if case.isolated:
            sides.renew()
        return found
    except WorkerFailure:
        raise
    except Exception as error:
        return [untimed("-", f"{NOT_TIMED}: the atlas itself: {type(error).__name__}: {error}")]


def versions_of(report: AtlasReport) -> dict[str, Any]:
    """Version of each side's framework, by side."""
    found = report.environment["backends"]
    return {side: facts.get("torch") or facts.get("paddle") for side, facts in found.items()}
