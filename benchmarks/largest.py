"""--largest-batch of benchmarks.run and benchmarks.compare."""

from collections.abc import Sequence

from benchmarks.request.request import Request
from common import cli
from common.cli import UsageError
from common.language import ENGLISH, Language


def largest(
    program: str, request: Request, names: Sequence[str], *, beside: str | None, say: Language = ENGLISH
) -> int:
    """Find the largest batches, write and print them; the exit code.

    ``beside`` is a flag that was given and has no meaning here.
    """
    if beside:
        raise UsageError(f"--largest-batch times nothing: leave {beside} out; --json FILE has the results")
    # Imported here and not above: they take longer than --help may.
    from benchmarks.measure.largest_batch import largest_batches, require_searchable
    from benchmarks.report.largest_batch import largest_batch_text
    from benchmarks.results import result_file
    from benchmarks.results.sentences import translated

    require_searchable(request)
    report = largest_batches(request, names)
    if request.json:
        result_file.write(report, request.json)
    print(largest_batch_text(report.largest_batches, say))
    lost = [row for row in report.largest_batches if row.status != "ok"]
    if lost:
        first = lost[0]
        line = say(
            "{backend}, {phase} {engine}: {status}: {reason}",
            backend=first.backend,
            phase=first.phase,
            engine=first.engine,
            status=say(first.status),
            reason=translated(first.reason or "", say),
        )
        cli.complain(program, line)
        return cli.UNAVAILABLE
    return cli.DONE
