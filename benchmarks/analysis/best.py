"""The best of each side."""

from collections.abc import Iterable, Sequence
from dataclasses import asdict

from backends import ENGINES, NAMES
from benchmarks.results.schema import Best, BestSide, Comparison, Result
from common.engines.int8 import INT8

KEY = ("phase", "batch_size", "processes", "beside")  # what is compared in each way that there is
SIDE = ("engine", "precision", "layout", "threads")


def best_of_each(rows: Iterable[Result], comparisons: Sequence[Comparison] = ()) -> list[Best]:
    """The fastest of each backend's own engines, for each KEY, where both have one.

    int8 has a best of its own: it costs accuracy, and is no answer to how fast float32 is. What was measured
    in an invalid comparison is not among them.
    """
    invalid = [row for row in comparisons if row.verdict == "invalid"]
    fastest: dict[tuple[str | int, ...], dict[str, Result]] = {}
    for row in rows:
        is_valid = not any(is_side_of(row, pair) for pair in invalid)
        if row.images_per_second is not None and row.engine in ENGINES and is_valid:
            key = (*(getattr(row, name) for name in KEY), row.precision == INT8)
            sides = fastest.setdefault(key, {})
            rival = sides.get(row.backend)
            if rival is None or (rival.images_per_second or 0) < row.images_per_second:
                sides[row.backend] = row
    both = [sides for sides in fastest.values() if sides.keys() == set(NAMES)]
    return [_best(sides["torch"], sides["paddle"], comparisons) for sides in both]


def is_side_of(row: Result, pair: Comparison) -> bool:
    """True if a row is one of the two of a comparison, whose sides may differ: "eager / deploy"."""
    case = asdict(pair.case).items()
    own = (row.model, row.device, row.settings_mode)
    same = all(getattr(row, name) == getattr(pair, name) for name in KEY)
    return (
        same
        and own == (pair.model, pair.device, pair.settings)
        and all(not value or str(getattr(row, name)) in str(value).split(" / ") for name, value in case)
    )


def _best(torch: Result, paddle: Result, comparisons: Sequence[Comparison]) -> Best:
    best = Best(
        **{name: getattr(torch, name) for name in KEY},
        torch=_side(torch),
        paddle=_side(paddle),
        ratio=(paddle.images_per_second or 0) / (torch.images_per_second or 1),
    )
    pair = compared(best, comparisons)
    return best.model_copy(update={"ratio": pair.ratio}) if pair else best


def compared(best: Best, comparisons: Iterable[Comparison]) -> Comparison | None:
    """The comparison in which the best of both were measured in turns.

    Returns None where there is none.
    """
    for row in comparisons:
        same = all(getattr(row, name) == getattr(best, name) for name in KEY)
        sides = zip((best.torch, best.paddle), (0, -1), strict=True)
        if same and row.ratio is not None and all(_ran_as(side, row, place) for side, place in sides):
            return row
    return None


def _ran_as(side: BestSide, row: Comparison, place: int) -> bool:
    """True if a side ran in a comparison, of whose two it is the first or the last ("eager / deploy").

    Threads may be unknown: in older files, and where both sides have others.
    """
    known = {name: getattr(row, name) for name in SIDE}
    return all(
        None in (value, getattr(side, name)) or str(value).split(" / ")[place] == str(getattr(side, name))
        for name, value in known.items()
    )


def _side(row: Result) -> BestSide:
    assert row.images_per_second is not None
    return BestSide(**{name: getattr(row, name) for name in SIDE}, images_per_second=row.images_per_second)
