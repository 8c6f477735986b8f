"""Which parameter of one side is which of the other: by a map, by name, else by order."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

Described = Mapping[str, Sequence[Mapping[str, Any]]]
STATISTICS = ("running_mean", "running_var", "weight_u", "weight_v")  # spectral normalisation's, too


@dataclass(frozen=True, kw_only=True)
class Pairing:
    """Paddle's names of parameters, buffers and layers by torch's, and how they were found."""

    parameters: dict[str, str]
    buffers: dict[str, str]
    layers: dict[str, str]
    method: str  # "by name", "by the map", "by definition order", "by name, the rest by definition order"

    def names(self) -> dict[str, str]:
        """Paddle's name of every parameter and buffer, by torch's."""
        return self.parameters | self.buffers


class Unpaired(Exception):
    """The two models cannot be paired.

    ``torch`` and ``paddle`` are the first that do not fit.
    """

    def __init__(self, reason: str, *, torch: str | None, paddle: str | None) -> None:
        super().__init__(reason)
        self.torch, self.paddle = torch, paddle


def pair_parameters(ours: Described, theirs: Described, *, names: Mapping[str, str] = {}) -> Pairing:
    """Pair everything. Raises Unpaired, naming the first two that do not fit.

    ``names`` maps parameters, or whole layers, of torch to paddle's.
    """
    left, right = list(ours["parameters"]), list(theirs["parameters"])
    mapped = _mapped(left, right, names)
    rest = [entry for entry in left if entry["name"] not in mapped]
    others = [entry for entry in right if entry["name"] not in set(mapped.values())]
    found, method = _pair_rest(rest, others)
    parameters = {
        entry["name"]: (mapped | found)[entry["name"]] for entry in left if entry["name"] in mapped | found
    }
    if mapped:
        method = "by the map" if not found else f"by the map, the rest {method}"
    layers = _layers_of(left, right, parameters)
    buffers = _pair_buffers(ours["buffers"], theirs["buffers"], layers)
    return Pairing(parameters=parameters, buffers=buffers, layers=layers, method=method)


def _pair_rest(left: list[Mapping[str, Any]], right: list[Mapping[str, Any]]) -> tuple[dict[str, str], str]:
    """By name if all names are equal.

    Else by order if all fits; else by name and the rest by order.
    """
    ours, theirs = {entry["name"]: entry for entry in left}, {entry["name"]: entry for entry in right}
    if ours.keys() == theirs.keys():
        for name, entry in ours.items():
            _require_fit(entry, theirs[name])
        return {name: name for name in ours}, "by name"
    common = {name: name for name in ours if name in theirs and _fits(ours[name], theirs[name])}
    ordered = dict(zip(ours, theirs, strict=False))
    in_order = len(ours) == len(theirs) and all(
        _fits(ours[name], theirs[other]) for name, other in ordered.items()
    )
    named = {name for name in common if not _is_numbered(name)}
    if in_order and all(ordered[name] == name for name in named):
        return ordered, "by definition order"
    if in_order is False and not named:
        _require_order(left, right)
    rest = [entry for entry in left if entry["name"] not in common]
    others = [entry for entry in right if entry["name"] not in common]
    _require_order(rest, others)
    return common | {a["name"]: b["name"] for a, b in zip(rest, others, strict=True)}, (
        "by name, the rest by definition order"
    )


def _require_order(left: Sequence[Mapping[str, Any]], right: Sequence[Mapping[str, Any]]) -> None:
    for entry, other in zip(left, right, strict=False):
        _require_fit(entry, other)
    if len(left) != len(right):
        longer, side = (left, "torch") if len(left) > len(right) else (right, "paddle")
        extra = longer[min(len(left), len(right))]["name"]
        raise Unpaired(
            f"{side} has {extra} and nothing fits it on the other side",
            torch=extra if side == "torch" else None,
            paddle=extra if side == "paddle" else None,
        )


def _require_fit(entry: Mapping[str, Any], other: Mapping[str, Any]) -> None:
    if not _fits(entry, other):
        raise Unpaired(
            f"torch's {_text(entry)} does not fit paddle's {_text(other)}",
            torch=entry["name"],
            paddle=other["name"],
        )


def _fits(entry: Mapping[str, Any], other: Mapping[str, Any]) -> bool:
    """Shape, role in its layer (weight, bias) and the layer's type agree.

    Own types fit any.
    """
    parts = [name.rpartition(".")[2] for name in (entry["name"], other["name"])]
    return (
        list(entry["shape"]) == list(other["shape"])
        and parts[0] == parts[1]
        and entry["type"] == other["type"]
    )


def _is_numbered(name: str) -> bool:
    """True if a name is a place and no more, such as "3.weight": another layer may stand there."""
    return name.split(".")[-2:-1] != [] and name.split(".")[-2].isdecimal()


def _mapped(
    left: Sequence[Mapping[str, Any]], right: Sequence[Mapping[str, Any]], names: Mapping[str, str]
) -> dict[str, str]:
    ours, theirs = {entry["name"]: entry for entry in left}, {entry["name"]: entry for entry in right}
    mapped: dict[str, str] = {}
    for name, other in names.items():
        if not other or name.startswith("#"):
            continue  # a skeleton's line that was not filled in
        if name in ours:
            pairs = {name: other}
        else:  # a layer: all that it holds
            held = [entry for entry in ours if entry.startswith(f"{name}.")]
            pairs = {entry: other + entry.removeprefix(name) for entry in held}
        if not pairs:
            raise Unpaired(f"--map names {name}, which torch's model has not", torch=name, paddle=other)
        for entry, target in pairs.items():
            if target not in theirs:
                raise Unpaired(
                    f"--map names {target}, which paddle's model has not", torch=entry, paddle=target
                )
            if list(ours[entry]["shape"]) != list(theirs[target]["shape"]):
                _require_fit(ours[entry], theirs[target])
        mapped |= pairs
    return mapped


def _layers_of(
    left: Sequence[Mapping[str, Any]], right: Sequence[Mapping[str, Any]], parameters: Mapping[str, str]
) -> dict[str, str]:
    ours = {entry["name"]: entry["layer"] for entry in left}
    theirs = {entry["name"]: entry["layer"] for entry in right}
    layers: dict[str, str] = {}
    for name, other in parameters.items():
        layers.setdefault(ours[name], theirs[other])  # the first, a weight, decides
    return layers


def _pair_buffers(
    left: Sequence[Mapping[str, Any]], right: Sequence[Mapping[str, Any]], layers: Mapping[str, str]
) -> dict[str, str]:
    """By the layer that they belong to and their own name there.

    Those without partner are left out.
    """
    theirs = {(entry["layer"], entry["name"].rpartition(".")[2]): entry for entry in right}
    paired = {}
    for entry in left:
        key = layers.get(entry["layer"], entry["layer"]), entry["name"].rpartition(".")[2]
        other = theirs.get(key)
        if other is not None and list(other["shape"]) == list(entry["shape"]):
            paired[entry["name"]] = other["name"]
    return paired


def _text(entry: Mapping[str, Any]) -> str:
    return f"{entry['name']} {tuple(entry['shape'])} of {entry['type']}"
