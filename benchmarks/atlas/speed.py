"""Time a case on both sides, in turns, at two sizes, forward and backward."""

from collections.abc import Mapping
from statistics import median
from typing import Any

from benchmarks.analysis.ratio import SHARED_HOST, Blocks, estimate_ratio
from benchmarks.analysis.verdict import decide
from benchmarks.atlas.cases.case import Case
from benchmarks.atlas.row import EQUAL, ERROR, MISSING, Row, Speed
from benchmarks.atlas.sides import Sides
from benchmarks.request.request import DEFAULT_MARGIN

SIZES: Mapping[str, Mapping[str, int]] = {
    "small": {"B": 8, "C": 16, "S": 14},
    "large": {"B": 16, "C": 32, "S": 56},
}
ROUNDS = 6  # of A B B A and B A A B in turn
BLOCK = {"min_steps": 2, "min_seconds": 0.02}
NOT_TIMED = "not timed"


def is_timed(case: Case, row: Row) -> bool:
    """True for what both sides compute, and for whose time somebody could wait."""
    if row.verdict == MISSING and row.missing is not None:
        return case.timed and row.missing.verdict == EQUAL
    return case.timed and case.compared == "values" and row.verdict != ERROR and row.where != "parameters"


def time_case(sides: Sides, case: Case, row: Row) -> list[Speed]:
    """Every part at every size; one entry that says why where a side cannot be timed."""
    return [entry for size in SIZES for entry in _at_size(sides, case, row, size)]


def _at_size(sides: Sides, case: Case, row: Row, size: str) -> list[Speed]:
    spellings = dict(row.spellings)
    if row.missing is not None:
        spellings[row.missing.side] = row.missing.instead

    def own(name: str) -> dict[str, Any]:
        return {
            "spelling": spellings[name],
            "inputs": dict(case.inputs),
            "sizes": dict(SIZES[size]),
            "training": case.training,
        }

    # One after the other: nothing else computes while a side warms up.
    prepared = {name: sides.ask(name, "prepare", **own(name)) for name in sides.places}
    for name, answer in prepared.items():
        if not isinstance(answer, list):
            return [_untimed(size, f"{name}: {answer['reason']}")]
    blocks = _turns(sides)
    if isinstance(blocks, str):
        return [_untimed(size, blocks)]
    ours, theirs = sides.places
    parts = [part for part in prepared[ours] if part in prepared[theirs]]
    return [_compared(size, part, blocks, ours=ours, theirs=theirs) for part in parts]


def _turns(sides: Sides) -> dict[str, list[list[dict[str, list[float]]]]] | str:
    """Blocks of each side by round, or why there are none."""
    names = tuple(sides.places)
    blocks: dict[str, list[list[dict[str, list[float]]]]] = {name: [] for name in names}
    for number in range(ROUNDS):
        order = names if number % 2 == 0 else names[::-1]
        for kept in blocks.values():
            kept.append([])
        for name in (*order, *order[::-1]):
            answer = sides.ask(name, "measure", **BLOCK)
            if "reason" in answer:
                return f"{name}: {answer['reason']}"
            blocks[name][-1].append(answer)
    return blocks


def _compared(size: str, part: str, blocks: Mapping[str, Any], *, ours: str, theirs: str) -> Speed:
    rounds: dict[str, Blocks] = {
        name: [(first[part], second[part]) for first, second in kept] for name, kept in blocks.items()
    }
    found = estimate_ratio(rounds[ours], rounds[theirs], slow=SHARED_HOST)
    decision = decide(found.interval, margin=DEFAULT_MARGIN)
    words = {"first faster": f"{ours} faster", "second faster": f"{theirs} faster"}
    return Speed(
        size=size,
        part=part,
        seconds={
            name: median(s for pair in kept for block in pair for s in block) for name, kept in rounds.items()
        },
        ratio=found.ratio,
        interval=found.interval,
        noise=found.noise,
        verdict=words.get(decision, decision),
    )


def _untimed(size: str, reason: str) -> Speed:
    return Speed(
        size=size,
        part="-",
        seconds={},
        ratio=None,
        interval=None,
        noise=None,
        verdict=f"{NOT_TIMED}: {reason}",
    )
