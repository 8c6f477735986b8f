"""Which call of a layer on one side is which on the other, whatever the layers are called."""

from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass
from itertools import pairwise
from types import MappingProxyType
from typing import Any

from benchmarks.parity.tensors.tensor_name import GRADIENT, OUTPUT, TensorName

Call = Mapping[str, Any]


@dataclass(frozen=True, kw_only=True)
class Match:
    """One call of a layer, on both sides or on one.

    ``name`` is torch's where there is one.
    """

    ours: Call | None
    theirs: Call | None
    moved: bool = False  # the two run it at different places: a rearrangement, maybe an innocent one

    @property
    def name(self) -> str:
        """The call's label: torch's, else paddle's."""
        call = self.ours or self.theirs
        assert call is not None
        return str(call["call"])

    @property
    def layer(self) -> str:
        """The layer's dotted name: torch's, else paddle's."""
        call = self.ours or self.theirs
        assert call is not None
        return str(call["name"])

    @property
    def both(self) -> bool:
        """True if both sides have it."""
        return self.ours is not None and self.theirs is not None

    @property
    def has_same_inputs(self) -> bool:
        """True if both sides have it and give it equally many tensors."""
        return self.both and (self.ours or {})["inputs"] == (self.theirs or {})["inputs"]

    @property
    def compared(self) -> list[str]:
        """Tensors of the call that both sides have: outputs and their gradients, the first one first."""
        if self.ours is None or self.theirs is None:
            return []
        count = max(1, min(int(call.get("outputs", 1)) for call in (self.ours, self.theirs)))
        numbers = [str(place or "") for place in range(count)]
        return [f"{what}{number}" for number in numbers for what in (OUTPUT, GRADIENT)]

    def files(self, what: str) -> tuple[TensorName, TensorName]:
        """Names of one tensor of the call, torch's and paddle's.

        For a call that both sides have.
        """
        assert self.ours is not None and self.theirs is not None
        ours, theirs = (TensorName.of_layer(call["call"], what) for call in (self.ours, self.theirs))
        return ours, theirs


def align(
    ours: Sequence[Call],
    theirs: Sequence[Call],
    *,
    layers: Mapping[str, str],
    apart: Mapping[str, Collection[str]] = MappingProxyType({}),
) -> list[Match]:
    """Match calls, in torch's order of execution, with paddle's own ones where they run.

    Layers with parameters are anchors, paired already (``layers``). The others are matched by equal
    name and type; then, between two anchors, by type in order; then whatever is left over in equal
    number, in order. Layers that are ``apart``, by side, hold what no one layer of the other side holds:
    they have no match.
    """
    partner = _match_anchors(ours, theirs, layers)
    alone = [
        {place for place, call in enumerate(calls) if call["name"] in apart.get(side, ())}
        for side, calls in (("torch", ours), ("paddle", theirs))
    ]
    _match_names(ours, theirs, partner, alone)
    for left, right in _gaps(ours, theirs, partner, alone):
        _match_types(left, right, partner)
    return _in_order(ours, theirs, partner)


def _match_anchors(ours: Sequence[Call], theirs: Sequence[Call], layers: Mapping[str, str]) -> dict[int, int]:
    """By place in the two sequences: the first call of a layer with the first, and so on."""
    places: dict[str, list[int]] = {}
    for place, call in enumerate(theirs):
        places.setdefault(call["name"], []).append(place)
    partner = {}
    for place, call in enumerate(ours):
        waiting = places.get(layers.get(call["name"], ""), [])
        if waiting:
            partner[place] = waiting.pop(0)
    return partner


def _match_names(
    ours: Sequence[Call], theirs: Sequence[Call], partner: dict[int, int], alone: Sequence[set[int]]
) -> None:
    """By equal labels, except where these are mere numbers and not all the types agree as well."""
    taken = set(partner.values()) | alone[1]
    free = {call["call"]: (place, call) for place, call in enumerate(theirs) if place not in taken}
    equal = {
        place: free[call["call"]][0]
        for place, call in enumerate(ours)
        if place not in partner and place not in alone[0] and call["call"] in free
    }
    if not any(call["name"].rpartition(".")[2].isdecimal() for call in ours):
        partner.update(equal)
        return
    agree = all(ours[place]["base"] == theirs[other]["base"] for place, other in equal.items())
    if agree and len(equal) + len(partner) == len(ours) == len(theirs):
        partner.update(equal)


def _gaps(
    ours: Sequence[Call], theirs: Sequence[Call], partner: Mapping[int, int], alone: Sequence[set[int]]
) -> list[tuple[list[tuple[int, Call]], list[tuple[int, Call]]]]:
    """The unmatched calls of both sides between two matched ones that follow each other."""
    done, taken, gaps = {*partner} | alone[0], set(partner.values()) | alone[1], []
    bounds = [(-1, -1), *_increasing(sorted(partner.items())), (len(ours), len(theirs))]
    for (left, right), (next_left, next_right) in pairwise(bounds):
        mine = [(place, ours[place]) for place in range(left + 1, next_left) if place not in done]
        yours = [(place, theirs[place]) for place in range(right + 1, next_right) if place not in taken]
        gaps.append((mine, yours))
    return gaps


def _match_types(
    left: list[tuple[int, Call]], right: list[tuple[int, Call]], partner: dict[int, int]
) -> None:
    for place, call in list(left):
        same = next((other for other in right if other[1]["base"] == call["base"]), None)
        if same is not None:
            partner[place] = same[0]
            left.remove((place, call))
            right.remove(same)
    if len(left) == len(right):
        partner.update({place: other for (place, _), (other, _) in zip(left, right, strict=True)})


def _in_order(ours: Sequence[Call], theirs: Sequence[Call], partner: Mapping[int, int]) -> list[Match]:
    straight = set(_increasing(sorted(partner.items())))
    matches, written = [], 0
    taken = set(partner.values())
    for place, call in enumerate(ours):
        other = partner.get(place)
        if other is not None and (place, other) in straight:
            for between in range(written, other):
                if between not in taken:
                    matches.append(Match(ours=None, theirs=theirs[between]))
            written = max(written, other + 1)
        theirs_call = theirs[other] if other is not None else None
        moved = other is not None and (place, other) not in straight
        matches.append(Match(ours=call, theirs=theirs_call, moved=moved))
    rest = [place for place in range(written, len(theirs)) if place not in taken]
    return matches + [Match(ours=None, theirs=theirs[place]) for place in rest]


def _increasing(pairs: Sequence[tuple[int, int]]) -> list[tuple[int, int]]:
    """The longest part of the pairs, sorted by the first, in which the second grows as well."""
    best: list[list[tuple[int, int]]] = []
    for pair in pairs:
        before = max((chain for chain in best if chain[-1][1] < pair[1]), key=len, default=[])
        best.append([*before, pair])
    return max(best, key=len, default=[])
