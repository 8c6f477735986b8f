"""Measure one backend.

python -m benchmarks.run --backend paddle --model alexnet
"""

import os
from collections.abc import Sequence
from typing import TYPE_CHECKING, Any

from backends import NAMES
from benchmarks.options import Case, add_flags, read_request
from common import cli
from common.files import require_writable

if TYPE_CHECKING:
    from benchmarks.results import Result
    from benchmarks.session import Session

PROGRAM = "benchmarks.run"


def main(arguments: Sequence[str]) -> int:
    """The command; returns its exit code."""
    parser = cli.Parser(prog=PROGRAM, description="Measure one backend's throughput.")
    parser.add_argument("--backend", required=True, choices=NAMES)
    add_flags(parser)
    options = parser.parse_args(arguments)
    request = read_request(options)
    if request.json:
        require_writable(request.json)
    # Imported here and not above: they take longer than --help may.
    from benchmarks import results, tables, verdict
    from benchmarks.environment import describe
    from benchmarks.scratch import scratch_folder
    from benchmarks.session import Session, require_data

    require_data(request)
    with scratch_folder() as scratch, Session(request, scratch=scratch) as session:
        rows = _sweep(session, options.backend)
        report = results.Report(environment=describe(os.environ, session.versions), results=rows)
    if request.json:
        results.write(report, request.json)
    print(tables.run_report(request, report))
    return verdict.judge(PROGRAM, rows)


def _sweep(session: "Session", backend: str) -> list["Result"]:
    from benchmarks.processes import WorkerFailure
    from common.progress import progress

    rows = []
    with progress(total=len(session.request.cases)) as bar:
        for case in session.request.cases:
            bar.set_description(str(case))
            try:
                rows.append(_measure(session, backend, case))
            except WorkerFailure as failure:
                session.end(backend)
                rows.append(session.failed_row(case, failure))
            bar.update()
    return rows


def _measure(session: "Session", backend: str, case: Case) -> "Result":
    request = session.request
    tried: list[dict[str, Any]] = []
    if request.settings_mode == "tuned":
        from benchmarks.tuning import tune

        case, tried = tune(session, backend, case)
    measured = session.prepare(backend, case)
    measured.tuning = tried
    session.warm_up(backend)
    session.measure(backend, measured, min_steps=request.min_iterations, min_seconds=request.min_seconds)
    session.finish(backend, case, measured)
    return session.row(backend, case, measured)


if __name__ == "__main__":
    cli.run(main, program=PROGRAM)
