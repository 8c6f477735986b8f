"""Parameters paired by a map, which can cut, stack, reshape and leave out."""

from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from functools import cached_property

from benchmarks.parity.sides.entries import Entry, shapes_fit
from benchmarks.parity.sides.proposal import Unpaired
from common.weights.link import Link
from common.weights.map_lines import Line, Tensors, links_of


@dataclass(frozen=True, kw_only=True)
class Mapped:
    """What a map says: links, names that are taken, and those that are left out, by side."""

    links: tuple[Link, ...]
    left_out: Mapping[str, tuple[str, ...]]

    @cached_property
    def taken(self) -> dict[str, set[str]]:
        """Names, by side, that lines have spoken of."""
        ours = {name for one in self.links for name in one.ours}
        theirs = {name for one in self.links for name in one.theirs}
        return {"torch": ours | {*self.left_out["torch"]}, "paddle": theirs | {*self.left_out["paddle"]}}


@dataclass(frozen=True, kw_only=True)
class Side:
    """One side's parameters, packed where the other packs them, and its buffers."""

    parameters: Sequence[Entry]
    buffers: Sequence[Entry]

    @cached_property
    def by_name(self) -> dict[str, Entry]:
        """Everything by its name."""
        return {entry.name: entry for entry in (*self.parameters, *self.buffers)}

    def nameable(self, lines: Sequence[Line], side: str) -> Tensors:
        """What lines can name: parameters and their layers, and buffers one by one."""
        named = {name for line in lines for name in (line.ours if side == "torch" else line.theirs)}
        entries = [*self.parameters, *(entry for entry in self.buffers if entry.name in named)]
        return Tensors(
            title=f"{side}'s model",
            shapes={entry.name: entry.shape for entry in entries},
            aliases={entry.name: entry.key for entry in entries},
        )

    def parts(self, names: Sequence[str]) -> list[str]:
        """The tensors that entries are made of."""
        return [part for name in names for part in self.by_name[name].parts]

    def unpacked(self, names: Iterable[str]) -> dict[str, tuple[int, ...]]:
        """The same with their shapes."""
        return {part: shape for name in names for part, shape in self.by_name[name].parts.items()}


def read_lines(lines: Sequence[Line], left: Side, right: Side) -> Mapped:
    """What the map says. Raises Unpaired for what it names that is not there, and for shapes that differ."""
    here, there = left.nameable(lines, "torch"), right.nameable(lines, "paddle")
    links: list[Link] = []
    spare: dict[str, list[str]] = {"torch": [], "paddle": []}
    for line in lines:
        try:
            if line.ours and line.theirs:
                links += [_checked(line, one, left, right) for one in links_of(line, here, there)]
            elif line.ours:
                spare["torch"] += left.parts(_held(here, line.ours))
            else:
                spare["paddle"] += right.parts(_held(there, line.theirs))
        except ValueError as error:
            raise Unpaired(
                str(error), torch=next(iter(line.ours), None), paddle=next(iter(line.theirs), None)
            ) from None
    mapped = Mapped(links=tuple(links), left_out={side: tuple(names) for side, names in spare.items()})
    _require_once(mapped)
    return mapped


def _held(tensors: Tensors, names: Sequence[str]) -> list[str]:
    return [own for name in names for own in tensors.held(name).values()]


def _checked(line: Line, one: Link, left: Side, right: Side) -> Link:
    """The link with the tensors that packed entries are made of, if its shapes fit.

    A reshape has to be asked for, except of kinds that a framework keeps flat.
    """
    whole = Link(
        ours=left.unpacked(one.ours),
        theirs=right.unpacked(one.theirs),
        axis=one.axis,
        transpose=one.transpose,
    )
    single = len(one.ours) == len(one.theirs) == 1
    is_flat = single and shapes_fit(left.by_name[next(iter(one.ours))], right.by_name[next(iter(one.theirs))])
    misfit = whole.misfit()
    if misfit is None and whole.reshapes and line.reshape is None and not is_flat:
        names = [
            f"{name} {tuple(shape)}" for side in (whole.ours, whole.theirs) for name, shape in side.items()
        ]
        misfit = f'{", ".join(names)} have other shapes; ask for "reshape" or "transpose" if that is meant'
    if misfit is None:
        return whole
    raise Unpaired(
        f"--map, {line.text}: {misfit}",
        torch=next(iter(one.ours)),
        paddle=next(iter(one.theirs)),
        broken=not whole.has_equal_sizes,
    )


def _require_once(mapped: Mapped) -> None:
    """No tensor may stand in two lines."""
    ours = [name for one in mapped.links for name in one.ours] + list(mapped.left_out["torch"])
    theirs = [name for one in mapped.links for name in one.theirs] + list(mapped.left_out["paddle"])
    for side, names in (("torch", ours), ("paddle", theirs)):
        twice = next((name for name, count in Counter(names).items() if count > 1), None)
        if twice is not None:
            raise Unpaired(
                f"--map has {side}'s {twice} in two lines",
                torch=twice if side == "torch" else None,
                paddle=twice if side == "paddle" else None,
            )
