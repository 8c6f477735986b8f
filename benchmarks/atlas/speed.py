"""Time a case on both sides, in turns, at two sizes, forward and backward."""

from collections.abc import Mapping, Sequence
from statistics import median
from typing import Any

from benchmarks.analysis.disturbance import is_invalid, kept_rounds, mark_disturbed
from benchmarks.analysis.ratio import SHARED_HOST, Blocks, estimate_ratio
from benchmarks.analysis.verdict import decide
from benchmarks.atlas.cases.case import Case
from benchmarks.atlas.cases.drawing import Drawn
from benchmarks.atlas.row import ERROR, Row, Speed
from benchmarks.atlas.sides import Sides
from benchmarks.request.request import DEFAULT_MARGIN
from benchmarks.results.samples import Block
from common.runtime.kernel_counters import KernelCounters

SIZES: Mapping[str, Mapping[str, int]] = {
    "small": {"B": 8, "C": 16, "S": 14},
    "large": {"B": 16, "C": 32, "S": 56},
}
ROUNDS = 6  # of A B B A and B A A B in turn
BLOCK = {"min_steps": 2, "min_seconds": 0.05}
NOT_TIMED, INVALID = "not timed", "invalid"


def is_timed(case: Case, row: Row) -> bool:
    """True for what both sides compute, and for whose time somebody could wait."""
    if row.missing is not None and row.missing.verdict in (None, ERROR):
        return False
    return case.timed and row.verdict != ERROR and row.where != "parameters"


def sizes_of(case: Case) -> dict[str, Mapping[str, int]]:
    """The sizes at which a case differs: one for what is the same at both."""
    axes = {axis for text in case.timed_inputs.values() for axis in Drawn.parse(text).axes}
    if axes.isdisjoint(SIZES["small"]):
        return {"small": SIZES["small"]}
    return dict(SIZES)


def time_case(sides: Sides, case: Case, row: Row) -> list[Speed]:
    """Every part at every size; one entry that says why where a side cannot be timed."""
    return [entry for size in sizes_of(case) for entry in _at_size(sides, case, row, size)]


def _at_size(sides: Sides, case: Case, row: Row, size: str) -> list[Speed]:
    spellings = dict(row.spellings)
    if row.missing is not None:
        spellings[row.missing.side] = row.missing.instead

    def own(name: str) -> dict[str, Any]:
        return {
            "spelling": spellings[name],
            "inputs": dict(case.timed_inputs),
            "sizes": dict(SIZES[size]),
            "training": case.training,
        }

    # One after the other: nothing else computes while a side warms up.
    prepared = {name: sides.ask(name, "prepare", **own(name)) for name in sides.places}
    for name, answer in prepared.items():
        if not isinstance(answer, list):
            return [untimed(size, f"{NOT_TIMED}: {name}: {answer['reason']}")]
    blocks = _turns(sides)
    if isinstance(blocks, str):
        return [untimed(size, f"{NOT_TIMED}: {blocks}")]
    ours, theirs = sides.places
    return compared(size, [part for part in prepared[ours] if part in prepared[theirs]], blocks)


def _turns(sides: Sides) -> dict[str, list[Block]] | str:
    """Blocks of each side, two a round, or why there are none."""
    names = tuple(sides.places)
    blocks: dict[str, list[Block]] = {name: [] for name in names}
    for number in range(ROUNDS):
        order = names if number % 2 == 0 else names[::-1]
        for name in (*order, *order[::-1]):
            answer = sides.ask(name, "measure", **BLOCK)
            if "reason" in answer:
                return f"{name}: {answer['reason']}"
            counters = KernelCounters.from_json(answer["counters"])
            blocks[name].append(Block(seconds=answer["seconds"], counters=counters))
    return blocks


def compared(size: str, parts: Sequence[str], blocks: Mapping[str, Sequence[Block]]) -> list[Speed]:
    """Each part's ratio and verdict, of what nobody disturbed, as ``benchmarks.compare`` has them."""
    sides = list(blocks.values())
    disturbed, rounds = mark_disturbed(sides), kept_rounds(sides)
    if is_invalid(disturbed, rounds=len(sides[0]) // 2, left=len(rounds)):
        return [untimed(size, f"{INVALID}: {disturbed.reason()}")]
    return [_part(size, part, rounds, names=tuple(blocks)) for part in parts]


def _part(
    size: str, part: str, rounds: Sequence[Sequence[Sequence[Block]]], *, names: tuple[str, ...]
) -> Speed:
    seconds: dict[str, Blocks] = {
        name: [[block.seconds[part] for block in both[place]] for both in rounds]
        for place, name in enumerate(names)
    }
    ours, theirs = names
    found = estimate_ratio(seconds[ours], seconds[theirs], slow=SHARED_HOST)
    decision = decide(found.interval, margin=DEFAULT_MARGIN)
    words = {"first faster": f"{ours} faster", "second faster": f"{theirs} faster"}
    return Speed(
        size=size,
        part=part,
        seconds={
            name: median(step for both in kept for block in both for step in block)
            for name, kept in seconds.items()
        },
        ratio=found.ratio,
        interval=found.interval,
        noise=found.noise,
        verdict=words.get(decision, decision),
    )


def untimed(size: str, verdict: str) -> Speed:
    """An entry that says why there is no ratio."""
    return Speed(size=size, part="-", seconds={}, ratio=None, interval=None, noise=None, verdict=verdict)
