"""The best of each side."""

from collections.abc import Iterable

from backends import ENGINES
from benchmarks.results import Best, Result, Side


def best_of_each(rows: Iterable[Result]) -> list[Best]:
    """The fastest of each backend's own engines by phase, batch size and processes, where both have one."""
    fastest: dict[tuple[str, int, int], dict[str, Result]] = {}
    for row in rows:
        if row.images_per_second is not None and row.engine in ENGINES:
            sides = fastest.setdefault((row.phase, row.batch_size, row.processes), {})
            rival = sides.get(row.backend)
            if rival is None or (rival.images_per_second or 0) < row.images_per_second:
                sides[row.backend] = row
    return [
        Best(
            phase=phase,
            batch_size=batch_size,
            processes=processes,
            torch=_side(sides["torch"]),
            paddle=_side(sides["paddle"]),
            ratio=_side(sides["paddle"]).images_per_second / _side(sides["torch"]).images_per_second,
        )
        for (phase, batch_size, processes), sides in fastest.items()
        if len(sides) == 2
    ]


def _side(row: Result) -> Side:
    assert row.images_per_second is not None
    return Side(engine=row.engine, precision=row.precision, images_per_second=row.images_per_second)
