"""A side's parameters by what they are: the kind of their layer, and their role in it."""

import re
from collections.abc import Collection, Iterable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from math import prod
from typing import Any

from common.weights.link import Link

# Kinds that a user's own layer derives from where it derives from none that computes anything.
OWN = {"Module", "Sequential", "ModuleList", "ModuleDict", "ParameterList", "ParameterDict"}
# Layers that keep a tensor flat in one framework; both read it in the same order.
FLAT = {"LayerNorm", "Bilinear"}
ROLES = {("InstanceNorm", "scale"): "weight", ("PReLU", "_weight"): "weight"}  # paddle's private words
NORMALISED = {"weight_orig": "weight"}  # what spectral normalisation divides
PARAMETRIZED = {"": "", "0": "_g", "1": "_v"}  # the older words for what torch's parametrizations keep
SYNONYMS = {"gamma": "weight", "scale": "weight", "_weight": "weight", "beta": "bias", "shift": "bias"}
QUERY, KEY, VALUE = "q_proj", "k_proj", "v_proj"
ATTENTION = "MultiheadAttention"


@dataclass(frozen=True, kw_only=True)
class Entry:
    """A parameter, or several that the other side packs into one.

    ``parts`` are the tensors by name with their shapes, ``key`` is the name with the role in neutral words.
    """

    name: str
    key: str
    shape: tuple[int, ...]
    layer: str
    type: str
    parts: Mapping[str, tuple[int, ...]] = field(repr=False)

    @property
    def kind(self) -> str:
        """The layer's type without what makes no other computation: a normalisation of any number of axes."""
        found = re.fullmatch(r"(?:Sync)?(BatchNorm|InstanceNorm)(?:[123]d)?", self.type)
        return found[1] if found else self.type

    @property
    def is_own(self) -> bool:
        """True if the layer is a user's own and derives from none of the framework's that compute."""
        return self.type in OWN

    @property
    def role(self) -> str:
        """What the tensor is to its layer: weight, bias, or whatever the layer calls it."""
        own = self.key.rpartition(".")[2]
        return SYNONYMS.get(own, own) if self.is_own else own

    @property
    def is_numbered(self) -> bool:
        """True if the name is a place and no more, such as "3.weight": another layer may stand there."""
        return self.name.split(".")[-2:-1] != [] and self.name.split(".")[-2].isdecimal()

    @property
    def size(self) -> int:
        """How many numbers it holds."""
        return prod(self.shape)

    def __str__(self) -> str:
        return f"{' + '.join(self.parts)} {self.shape} of {self.type}"


def entries_of(described: Iterable[Mapping[str, Any]]) -> list[Entry]:
    """The described parameters or buffers, in their order."""
    return [_entry(one["name"], one["shape"], one["layer"], one["type"]) for one in described]


def packed(entries: Sequence[Entry], *, like: Sequence[Entry], named: Collection[str]) -> list[Entry]:
    """Query, key and value as the one tensor that the other side (``like``) keeps of them.

    Not those which a map names (``named``) one by one.
    """
    wanted = {entry.name.rpartition(".")[2] for entry in like if entry.type == ATTENTION}
    here, result = {entry.name: entry for entry in entries}, []
    for entry in entries:
        group = _group(entry, here)
        role = entry.name.rpartition(".")[2]
        apart = {one.name for one in group} | {one.name.rpartition(".")[0] for one in group}
        together = f"in_proj_{role}"
        if not group or apart & {*named} or together not in wanted:
            result.append(entry)
        elif entry is group[0]:
            result.append(_pack(group, together))
    return result


def shapes_fit(ours: Entry, theirs: Entry) -> bool:
    """Equal shapes, the same numbers where a framework keeps this kind's tensor flat, or a turned matrix."""
    can_be_flat = ours.kind == theirs.kind and (ours.kind in FLAT or ours.role == "weight_g")
    is_flat = can_be_flat and ours.size == theirs.size
    return ours.shape == theirs.shape or is_flat or is_turned(ours, theirs)


def is_turned(ours: Entry, theirs: Entry) -> bool:
    """True if a linear layer that somebody wrote by hand keeps its weight the other way round.

    A framework's own layer never does: which way that lies is known by its type.
    """
    kinds = {"own" if entry.is_own else entry.kind for entry in (ours, theirs)}
    is_matrix = len(ours.shape) == 2 and ours.shape == theirs.shape[::-1] != theirs.shape
    return is_matrix and "own" in kinds and kinds <= {"own", "Linear"}


def fits(ours: Entry, theirs: Entry) -> bool:
    """Shape, kind and role agree.

    A user's own layer can be of any kind, and its words for roles are its own.
    """
    own = ours.is_own or theirs.is_own
    roles = ours.role, theirs.role
    same_role = roles[0] == roles[1] or (own and not {*roles} <= {"weight", "bias"})
    return shapes_fit(ours, theirs) and (own or ours.kind == theirs.kind) and same_role


def link(ours: Entry, theirs: Entry) -> Link:
    """What both hold, as it is found on each side."""
    return Link(ours=ours.parts, theirs=theirs.parts, transpose=is_turned(ours, theirs))


def _entry(name: str, shape: Sequence[int], layer: str, kind: str) -> Entry:
    sizes = tuple(shape)
    entry = Entry(name=name, key=name, shape=sizes, layer=layer, type=kind, parts={name: sizes})
    apart = re.fullmatch(r"(.*\.)?([qkv]_proj)_weight", name)
    if entry.type == ATTENTION and apart:  # torch keeps them so where keys or values have another size
        return replace(entry, key=f"{apart[1] or ''}{apart[2]}.weight", type="Linear")
    if entry.type == ATTENTION and re.fullmatch(r"(.*\.)?\w+_proj\.(weight|bias)", name):
        return replace(entry, type="Linear")  # it is one, wherever attention is described as a whole
    return replace(entry, key=_key(entry))


def _key(entry: Entry) -> str:
    """The name with the role in neutral words."""
    found = re.fullmatch(r"(.*)\.parametrizations\.(\w+)\.original(\d?)", entry.name)
    if found and found[3] in PARAMETRIZED:
        return f"{found[1]}.{found[2]}{PARAMETRIZED[found[3]]}"
    start, dot, own = entry.name.rpartition(".")
    return f"{start}{dot}{ROLES.get((entry.kind, own), NORMALISED.get(own, own))}"


def _group(entry: Entry, here: Mapping[str, Entry]) -> list[Entry]:
    """Query, key and value of one attention, if the entry is one of them and all see equal inputs."""
    layer, _, role = entry.name.rpartition(".")
    start, dot, own = layer.rpartition(".")
    if own not in (QUERY, KEY, VALUE):
        return []
    group = [here.get(f"{start}{dot}{one}.{role}") for one in (QUERY, KEY, VALUE)]
    found = [one for one in group if one is not None]
    return found if len(found) == 3 and len({one.shape[1:] for one in found}) == 1 else []


def _pack(group: Sequence[Entry], role: str) -> Entry:
    first = group[0]
    layer = first.name.rpartition(".")[0].rpartition(".")[0]
    name = f"{layer}.{role}" if layer else role
    shape = (sum(one.shape[0] for one in group), *first.shape[1:])
    parts = {name: shape for one in group for name, shape in one.parts.items()}
    return Entry(name=name, key=name, shape=shape, layer=layer or "model", type=ATTENTION, parts=parts)
