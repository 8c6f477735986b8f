"""Parameters paired without a map: by name, else by definition order where no name contradicts it."""

from collections import Counter
from collections.abc import Mapping, Sequence

from benchmarks.parity.sides.entries import Entry, fits, shapes_fit
from benchmarks.parity.sides.proposal import Pairs, Unpaired, proposal_of, suggested
from common.weights.map_lines import Names


def pair_entries(left: list[Entry], right: list[Entry]) -> tuple[Pairs, str]:
    """By name if all names are equal.

    Else by order if all fits and no name contradicts; else by name and the rest by order.
    """
    ours, theirs = _by_key(left, right)
    if ours.keys() == theirs.keys():
        pairs = [(entry, theirs[key]) for key, entry in ours.items()]
        for pair in pairs:
            _require_shapes(*pair, proposal=proposal_of(pairs))
        same = all(a.key == b.key for a, b in pairs)
        return pairs, "by name" if same else "by name, but for what is around all layers"
    ordered = list(zip(left, right, strict=False)) if _fit_in_order(left, right) else []
    if ordered and not _contradiction(ordered, left, right):
        return ordered, "by definition order"
    common = [(entry, theirs[key]) for key, entry in ours.items() if key in theirs]
    named = [pair for pair in common if fits(*pair)]
    taken = [{pair[side].name for pair in named} for side in (0, 1)]
    rest = [entry for entry in left if entry.name not in taken[0]]
    others = [entry for entry in right if entry.name not in taken[1]]
    proposal = proposal_of([*named, *_ends(rest, others)], rest, others)
    if not ordered:
        for pair in common:
            if not pair[0].is_numbered:
                _require_shapes(*pair, proposal=proposal)
    _require_order(rest, others, proposal)
    by_order = list(zip(rest, others, strict=True))
    _require_agreement(named, by_order, left, right, proposal)
    return named + by_order, "by name, the rest by definition order"


def _by_key(left: Sequence[Entry], right: Sequence[Entry]) -> tuple[dict[str, Entry], dict[str, Entry]]:
    """Both sides by name; without a prefix that all of one side have if the rest is equal then."""
    ours, theirs = {entry.key: entry for entry in left}, {entry.key: entry for entry in right}
    bare = _without_prefix(ours), _without_prefix(theirs)
    return bare if bare[0].keys() == bare[1].keys() else (ours, theirs)


def _without_prefix(entries: Mapping[str, Entry]) -> dict[str, Entry]:
    """The entries without the layers around all of them, such as "backbone."."""
    keys = list(entries)
    while keys and len({key.partition(".")[0] for key in keys}) == 1 and all("." in key for key in keys):
        if len({key.rpartition(".")[0] for key in keys}) == 1:
            break  # one layer: its name is no prefix
        keys = [key.partition(".")[2] for key in keys]
    return dict(zip(keys, entries.values(), strict=True))


def _fit_in_order(left: Sequence[Entry], right: Sequence[Entry]) -> bool:
    return len(left) == len(right) and all(map(fits, left, right))


def _require_shapes(ours: Entry, theirs: Entry, *, proposal: Names) -> None:
    """Two of the same name must have the same shape, or be of kinds that keep the same otherwise."""
    if shapes_fit(ours, theirs):
        return
    same_kind = ours.kind == theirs.kind and not ours.is_own
    raise Unpaired(
        f"torch's {ours} does not fit paddle's {theirs}",
        torch=ours.name,
        paddle=theirs.name,
        broken=same_kind or ours.size != theirs.size,
        proposal={**proposal, **dict([suggested(ours, theirs)])},
    )


def _require_order(left: Sequence[Entry], right: Sequence[Entry], proposal: Names) -> None:
    """All that is left must fit in order: else the first two that do not are named."""
    ends = _ends(left, right)
    if _fit_in_order(left, right):
        return
    paired = [{pair[side].name for pair in ends} for side in (0, 1)]
    ours = [entry for entry in left if entry.name not in paired[0]]
    theirs = [entry for entry in right if entry.name not in paired[1]]
    if ours and theirs:
        reason = f"torch's {ours[0]} does not fit paddle's {theirs[0]}"
    else:
        side, extra = ("torch", ours[0]) if ours else ("paddle", theirs[0])
        reason = f"{side} has {extra} and nothing fits it on the other side"
    raise Unpaired(
        reason,
        torch=ours[0].name if ours else None,
        paddle=theirs[0].name if theirs else None,
        broken=sum(entry.size for entry in ours) != sum(entry.size for entry in theirs),
        proposal=proposal,
    )


def _ends(left: Sequence[Entry], right: Sequence[Entry]) -> Pairs:
    """What fits in order from the start, and from the end."""
    start = 0
    shorter = min(len(left), len(right))
    while start < shorter and fits(left[start], right[start]):
        start += 1
    end = 0
    while end < shorter - start and fits(left[-1 - end], right[-1 - end]):
        end += 1
    tail = zip(left[len(left) - end :], right[len(right) - end :], strict=True)
    return [*zip(left[:start], right[:start], strict=True), *tail]


def _require_agreement(
    named: Pairs, by_order: Pairs, left: Sequence[Entry], right: Sequence[Entry], proposal: Names
) -> None:
    """Order may not pair what names, its own or those around it, say otherwise of."""
    places = [{entry.name: place for place, entry in enumerate(side)} for side in (left, right)]
    anchors = [(places[0][a.name], places[1][b.name]) for a, b in named]
    for a, b in by_order:
        here = places[0][a.name], places[1][b.name]
        if any((here[0] - one[0]) * (here[1] - one[1]) < 0 for one in anchors):
            raise Unpaired(
                f"in definition order torch's {a.name} is paddle's {b.name}, and equal names contradict "
                "that order",
                torch=a.name,
                paddle=b.name,
                proposal=proposal,
            )
    contradiction = _contradiction(by_order, left, right)
    if contradiction is not None:
        entry, other = contradiction
        by_order_name = next(b.name for a, b in by_order if a is entry)
        raise Unpaired(
            f"in definition order torch's {entry.name} is paddle's {by_order_name}, and by its name {other}",
            torch=entry.name,
            paddle=by_order_name,
            proposal={**proposal, **_said_by_names(left, right)},
        )


def _contradiction(pairs: Pairs, left: Sequence[Entry], right: Sequence[Entry]) -> tuple[Entry, str] | None:
    """The first of the pairs that a name says otherwise of: torch's, and paddle's name of that name."""
    said = _said_by_names(left, right)
    return next(((a, said[a.name]) for a, b in pairs if said.get(a.name, b.name) != b.name), None)


def _said_by_names(left: Sequence[Entry], right: Sequence[Entry]) -> dict[str, str]:
    """Paddle's name by torch's where the last words of both, and of no others, are the same."""
    said: dict[str, str] = {}
    longest = max((len(entry.key.split(".")) for entry in left), default=0)
    for length in range(2, longest + 1):
        ours, theirs = _tails(left, length), _tails(right, length)
        for tail, entry in ours.items():
            if tail in theirs and fits(entry, theirs[tail]):
                said.setdefault(entry.name, theirs[tail].name)
    return said


def _tails(entries: Sequence[Entry], length: int) -> dict[str, Entry]:
    """Entries by their last words, where no two have the same. A number is a place and no word."""
    words = [[word.lstrip("_").lower() for word in entry.key.split(".")][-length:] for entry in entries]
    tails = [
        ".".join(tail) if len(tail) == length and not any(map(str.isdecimal, tail)) else "" for tail in words
    ]
    counts = Counter(tails)
    return {tail: entry for tail, entry in zip(tails, entries, strict=True) if tail and counts[tail] == 1}
