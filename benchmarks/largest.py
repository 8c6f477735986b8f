"""--largest-batch of benchmarks.run and benchmarks.compare."""

from collections.abc import Sequence

from benchmarks.request.request import Request
from common import cli
from common.cli import UsageError


def largest(program: str, request: Request, names: Sequence[str], *, beside: str | None) -> int:
    """Find the largest batches, write and print them; the exit code.

    ``beside`` is a flag that was given and has no meaning here.
    """
    if beside:
        raise UsageError(f"--largest-batch times nothing: leave {beside} out; --json FILE has the results")
    # Imported here and not above: they take longer than --help may.
    from benchmarks.measure.largest_batch import largest_batches, require_searchable
    from benchmarks.report.largest_batch import largest_batch_text
    from benchmarks.results import result_file

    require_searchable(request)
    report = largest_batches(request, names)
    if request.json:
        result_file.write(report, request.json)
    print(largest_batch_text(report.largest_batches))
    lost = [row for row in report.largest_batches if row.status != "ok"]
    if lost:
        first = lost[0]
        cli.complain(
            program, f"{first.backend}, {first.phase} {first.engine}: {first.status}: {first.reason}"
        )
        return cli.UNAVAILABLE
    return cli.DONE
