"""The largest batches as a table for people."""

from collections.abc import Sequence

from tabulate import tabulate

from benchmarks.results.formatting import number
from benchmarks.results.schema import LargestBatch

COLUMNS = ("phase", "engine", "precision", "layout", "threads", "backend", "largest batch", "takes MiB")
MORE = ("too large", "takes MiB", "status")


def largest_batch_text(rows: Sequence[LargestBatch]) -> str:
    """A row for each side of each combination, and why some have none."""
    limit = rows[0].limit_bytes / 2**20
    cells = [
        [
            *(str(getattr(row, name)) for name in COLUMNS[:6]),
            "-" if row.largest_batch is None else str(row.largest_batch),
            _mib(row.peak_memory_bytes),
            str(row.next_batch or "-"),
            _mib(row.next_memory_bytes),
            row.status,
        ]
        for row in rows
    ]
    table = tabulate(cells, headers=(*COLUMNS, *MORE), tablefmt="simple", disable_numparse=True)
    reasons = [f"{row.backend} {row.phase} {row.engine}: {row.reason}" for row in rows if row.reason]
    lines = [
        f"{rows[0].model}: the largest batch within {limit:,.0f} MiB",
        table,
        "of the whole worker, framework included (on a GPU: of the framework's allocator), each try in a "
        "process of its own; known to one in sixteen: too large is the smallest that was seen not to fit",
    ]
    return "\n".join([*lines, *reasons])


def _mib(value: int | None) -> str:
    return "-" if value is None else number(value / 2**20)
