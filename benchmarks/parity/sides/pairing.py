"""Which parameter of one side is which of the other: by a map, by name, else by order."""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field, replace
from functools import cached_property
from typing import Any

from benchmarks.parity.sides.entries import Entry, entries_of, is_turned, link, packed, shapes_fit
from benchmarks.parity.sides.mapping import Mapped, Side, read_lines
from benchmarks.parity.sides.matching import pair_entries
from benchmarks.parity.sides.proposal import Pairs
from common.weights.link import Link
from common.weights.map_lines import Names, lines_of, map_line

Described = Mapping[str, Sequence[Mapping[str, Any]]]
STATISTICS = ("running_mean", "running_var", "weight_u", "weight_v")  # spectral normalisation's, too


TURNED = "{side}'s {layer} is a layer of your own: its weight lies the other way round and is turned over"


@dataclass(frozen=True, kw_only=True)
class Square:
    """A square weight of a layer that somebody wrote by hand: its shape does not say which way it lies."""

    name: str  # torch's
    side: str
    layer: str
    parameter: str


@dataclass(frozen=True, kw_only=True)
class Pairing:
    """What of torch's is what of paddle's, and how that was found.

    ``links`` are the parameters', in torch's order. ``buffers`` and ``layers`` have paddle's names by
    torch's; ``apart`` are layers with parameters, by side, whose calls have no counterpart. ``left_out``
    are the parameters, by side, that a map leaves out. ``squares`` are weights to be looked at.
    """

    links: tuple[Link, ...]
    buffers: dict[str, str]
    layers: dict[str, str]
    method: str  # "by name", "by the map", "by definition order", "by name, the rest by definition order"
    apart: Mapping[str, frozenset[str]] = field(default_factory=dict)
    left_out: Mapping[str, tuple[str, ...]] = field(default_factory=dict)
    warnings: Mapping[str, str] = field(default_factory=dict)  # what to doubt, by torch's name of a parameter
    squares: tuple[Square, ...] = ()

    @cached_property
    def parameters(self) -> dict[str, tuple[str, ...]]:
        """Paddle's names of what holds a parameter's numbers, by torch's name of it."""
        return {name: tuple(one.theirs) for one in self.links for name in one.ours}

    def as_map(self) -> dict[str, Any]:
        """The map that would pair them so."""
        spare = dict.fromkeys(self.left_out["torch"])
        lone = {"null": list(self.left_out["paddle"])} if self.left_out["paddle"] else {}
        return {**dict(map(map_line, self.links)), **spare, **lone}

    def settled(self, square: Square, *, is_turned: bool | None) -> "Pairing":
        """The pairing once it is known which way a square weight lies (None: it could not be found out)."""
        warnings = {name: text for name, text in self.warnings.items() if name != square.name}
        if is_turned is None:
            return self
        if not is_turned:
            return replace(self, warnings=warnings)
        links = (replace(one, transpose=square.name in one.ours) for one in self.links)
        text = TURNED.format(side=square.side, layer=square.layer)
        return replace(self, links=tuple(links), warnings={**warnings, square.name: text})


def pair_parameters(ours: Described, theirs: Described, *, names: Names | None = None) -> Pairing:
    """Pair everything. Raises Unpaired, naming the first two that do not fit.

    ``names`` is a map, as common.weights.map_lines describes it.
    """
    lines = list(lines_of(names or {}))
    raw = entries_of(ours["parameters"]), entries_of(theirs["parameters"])
    left = Side(
        parameters=packed(raw[0], like=raw[1], named=[name for line in lines for name in line.ours]),
        buffers=entries_of(ours["buffers"]),
    )
    right = Side(
        parameters=packed(raw[1], like=raw[0], named=[name for line in lines for name in line.theirs]),
        buffers=entries_of(theirs["buffers"]),
    )
    mapped = read_lines(lines, left, right)
    # What the map leaves is paired by name or by order.
    taken = mapped.taken
    rest = [entry for entry in left.parameters if not {*entry.parts} & taken["torch"]]
    others = [entry for entry in right.parameters if not {*entry.parts} & taken["paddle"]]
    found, method = pair_entries(rest, others)
    if lines:
        method = f"by the map, the rest {method}" if found else "by the map"
    links = _in_order(raw[0], mapped.links, [link(*pair) for pair in found])
    layers, apart = _layers(links, *raw)
    return Pairing(
        links=links,
        buffers=_pair_buffers(left.buffers, right.buffers, layers, mapped),
        layers=layers,
        method=method,
        apart=apart,
        left_out=mapped.left_out,
        warnings=dict(_doubts(found)),
        squares=tuple(_squares(found)),
    )


def _in_order(entries: Sequence[Entry], *links: Sequence[Link]) -> tuple[Link, ...]:
    """Links in the order in which torch defines what they begin with."""
    places = {entry.name: place for place, entry in enumerate(entries)}
    every = [one for some in links for one in some if next(iter(one.ours)) in places]  # no buffers
    return tuple(sorted(every, key=lambda one: places[next(iter(one.ours))]))


def _layers(
    links: Sequence[Link], left: Sequence[Entry], right: Sequence[Entry]
) -> tuple[dict[str, str], dict[str, frozenset[str]]]:
    """Paddle's layers by torch's, and by side those whose calls have no counterpart.

    A layer is one of the other's if its tensors are, each as a whole; its first, a weight, decides.
    """
    ours, theirs = ({entry.name: entry for entry in side} for side in (left, right))
    layers: dict[str, str] = {}
    for one in links:
        pair = ours[next(iter(one.ours))], theirs[next(iter(one.theirs))]
        if len(one.ours) == len(one.theirs) == 1 and (one.transpose or shapes_fit(*pair)):
            layers.setdefault(pair[0].layer, pair[1].layer)
    apart = {
        "torch": frozenset(entry.layer for entry in left) - set(layers),
        "paddle": frozenset(entry.layer for entry in right) - set(layers.values()),
    }
    return layers, apart


def _pair_buffers(
    left: Sequence[Entry], right: Sequence[Entry], layers: Mapping[str, str], mapped: Mapped
) -> dict[str, str]:
    """By the map, by the layer that they belong to and their own name there, else by order.

    Those without partner are left out.
    """
    theirs = {(entry.layer, entry.role): entry for entry in right}
    names = {entry.name for entry in left}
    paired = {a: b for one in mapped.links if one.is_plain for a, b in zip(one.ours, one.theirs, strict=True)}
    paired = {name: other for name, other in paired.items() if name in names}
    taken = mapped.taken["torch"] | {*paired}
    free = [entry for entry in left if entry.name not in taken]
    for entry in free:
        other = theirs.get((layers.get(entry.layer, entry.layer), entry.role))
        if other is not None and other.shape == entry.shape and other.name not in mapped.taken["paddle"]:
            paired[entry.name] = other.name
    rest = [entry for entry in free if entry.name not in paired]
    taken = mapped.taken["paddle"] | {*paired.values()}
    others = [entry for entry in right if entry.name not in taken]
    if [(a.role, a.shape) for a in rest] == [(b.role, b.shape) for b in others]:
        paired |= {a.name: b.name for a, b in zip(rest, others, strict=True)}
    return paired


def _doubts(pairs: Pairs) -> Iterator[tuple[str, str]]:
    """What to look at although it was paired, by torch's name."""
    for a, b in pairs:
        if a.kind != b.kind and not (a.is_own or b.is_own):
            yield a.name, f"torch's is of {a.type}, paddle's {b.name} of {b.type}"
        if is_turned(a, b):
            side, layer = ("torch", a.layer) if a.is_own else ("paddle", b.layer)
            yield a.name, TURNED.format(side=side, layer=layer)
    for square in _squares(pairs):
        yield (
            square.name,
            f"{square.side}'s {square.layer} is a layer of your own and its weight is square: taken as it "
            'lies; a map\'s "transpose" would turn it over',
        )


def _squares(pairs: Pairs) -> Iterator[Square]:
    for a, b in pairs:
        own, other = (a, b) if a.is_own else (b, a)
        is_square = len(own.shape) == 2 and own.shape[0] == own.shape[1] and own.shape == other.shape
        if is_square and own.is_own and other.kind == "Linear":
            side = "torch" if own is a else "paddle"
            yield Square(name=a.name, side=side, layer=own.layer, parameter=own.name)
