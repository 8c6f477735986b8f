"""Measure one backend.

python -m benchmarks.run --backend paddle --model alexnet
"""

import os
from collections.abc import Sequence

from backends import NAMES
from benchmarks.flags import add_flags
from benchmarks.options import read_request
from common import cli
from common.files import require_writable

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
    from benchmarks import result_file, results, tables, verdict
    from benchmarks.environment import describe
    from benchmarks.group_session import open_session
    from benchmarks.image_list import require_data
    from benchmarks.scratch import scratch_folder
    from benchmarks.single import measure_all

    require_data(request)
    with scratch_folder() as scratch, open_session(request, scratch=scratch) as session:
        rows = measure_all(session, options.backend)
        report = results.Report(environment=describe(os.environ, session.versions), results=rows)
    if request.json:
        result_file.write(report, request.json)
    print(tables.run_report(request, report))
    return verdict.judge(PROGRAM, rows)


if __name__ == "__main__":
    cli.run(main, program=PROGRAM)
