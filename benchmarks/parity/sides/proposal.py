"""Two models that cannot be paired, and the map that would pair them, as far as it is known."""

from collections.abc import Sequence
from typing import Any

from benchmarks.parity.sides.entries import Entry, link
from common.weights.map_lines import Names, map_line

Pairs = list[tuple[Entry, Entry]]


class Unpaired(Exception):
    """The two models cannot be paired.

    ``torch`` and ``paddle`` are the first that do not fit; ``broken`` if no map could pair them, for one side
    has other sizes. ``proposal`` is a map filled in as far as can be.
    """

    def __init__(
        self,
        reason: str,
        *,
        torch: str | None,
        paddle: str | None,
        broken: bool = False,
        proposal: Names | None = None,
    ) -> None:
        super().__init__(reason)
        self.torch, self.paddle, self.broken = torch, paddle, broken
        self.proposal = dict(proposal or {})


def proposal_of(pairs: Pairs, left: Sequence[Entry] = (), right: Sequence[Entry] = ()) -> dict[str, Any]:
    """A map of what is paired, and of what else may be: empty where nothing is known."""
    proposal: dict[str, Any] = dict(map_line(link(a, b)) for a, b in pairs)
    paired = [{pair[side].name for pair in pairs} for side in (0, 1)]
    free = [entry for entry in left if entry.name not in paired[0]]
    spare = [entry for entry in right if entry.name not in paired[1]]
    for entry in free:
        stack = _stack(entry, spare)
        proposal |= {entry.name: [one.name for one in stack] if len(stack) > 1 else ""}
        spare = [one for one in spare if one not in stack]
    return proposal


def suggested(ours: Entry, theirs: Entry) -> tuple[str, Any]:
    """The line that would make one shape of the other, if they have as many numbers."""
    if ours.size != theirs.size:
        return ours.name, ""
    turned = len(ours.shape) == 2 and ours.shape == theirs.shape[::-1]
    return ours.name, {"name": theirs.name} | (
        {"transpose": True} if turned else {"reshape": list(ours.shape)}
    )


def _stack(entry: Entry, others: Sequence[Entry]) -> list[Entry]:
    """The first of the others of that role whose first axes add up to the entry's."""
    stack: list[Entry] = []
    for other in others:
        if other.role == entry.role and other.shape[1:] == entry.shape[1:] and other.shape:
            stack.append(other)
        length = sum(one.shape[0] for one in stack)
        if stack and length >= entry.shape[0]:
            return stack if length == entry.shape[0] else []
    return []
