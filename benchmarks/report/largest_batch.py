"""The largest batches as a table for people."""

from collections.abc import Sequence

from tabulate import tabulate

from benchmarks.results.formatting import number
from benchmarks.results.schema import LargestBatch
from benchmarks.results.sentences import translated
from common.language import ENGLISH, Language

COLUMNS = ("phase", "engine", "precision", "layout", "threads", "backend", "largest batch", "takes MiB")
MORE = ("too large", "takes MiB", "status")
FOOTNOTE = (
    "of the whole worker, framework included (on a GPU: of the framework's allocator), each try in a "
    "process of its own; known to one in sixteen: too large is the smallest that was seen not to fit"
)


def largest_batch_text(rows: Sequence[LargestBatch], say: Language = ENGLISH) -> str:
    """A row for each side of each combination, and why some have none."""
    limit = rows[0].limit_bytes / 2**20
    cells = [
        [
            *(str(getattr(row, name)) for name in COLUMNS[:6]),
            "-" if row.largest_batch is None else str(row.largest_batch),
            _mib(row.peak_memory_bytes),
            str(row.next_batch or "-"),
            _mib(row.next_memory_bytes),
            say(row.status),
        ]
        for row in rows
    ]
    headers = [say(name) for name in (*COLUMNS, *MORE)]
    table = tabulate(cells, headers=headers, tablefmt="simple", disable_numparse=True)
    message = "{backend} {phase} {engine}: {reason}"
    reasons = [
        say(
            message,
            backend=row.backend,
            phase=row.phase,
            engine=row.engine,
            reason=translated(row.reason, say),
        )
        for row in rows
        if row.reason
    ]
    title = say("{model}: the largest batch within {limit} MiB", model=rows[0].model, limit=f"{limit:,.0f}")
    lines = [title, table, say(FOOTNOTE)]
    return "\n".join([*lines, *reasons])


def _mib(value: int | None) -> str:
    return "-" if value is None else number(value / 2**20)
