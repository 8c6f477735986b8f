"""Fitting weights of any names to a model: by name, by a given map, and else with a proposal."""

import json
from collections.abc import Mapping, Sequence
from math import prod
from pathlib import Path

import numpy as np

from common.cli import UsageError
from common.weights.external import ForeignWeights
from common.weights.layout import require_same_entries
from common.weights.link import Link
from common.weights.lookalikes import OWN_MODEL, cut, known_network
from common.weights.map_lines import Line, Names, Tensors, lines_of, links_of

Shapes = Mapping[str, Sequence[int]]


def fit(weights: ForeignWeights, shapes: Shapes, *, names: Names | None = None) -> dict[str, np.ndarray]:
    """The model's arrays by its own names, in the neutral layout.

    ``names`` is a map from the model's names to those in the file (common.weights.map_lines); the rest are
    paired by equal names. A linear layer stands in for a convolution that sees its whole input at once.
    Raises UsageError listing everything that does not fit, or proposing a map where only the names differ.
    """
    arrays, source = weights.neutral(), weights.source
    known = known_network({name: array.shape for name, array in arrays.items()})
    if names is None:
        arrays = _without_common_prefix(arrays, shapes)
        if set(arrays) != set(shapes):
            raise UsageError(f"{source}: {_why_not(arrays, shapes)}")
    try:
        links = _links(names or {}, shapes, arrays)
    except ValueError as error:
        raise UsageError(f"{source}: {error}; correct it") from None
    spoken_of = {name for link in links for name in link.ours}
    fitted = {
        name: array
        for link in links
        for name, array in link.to_ours({own: arrays[own] for own in link.theirs}).items()
    }
    fitted |= {
        name: _as_layer(arrays[name], shape)
        for name, shape in shapes.items()
        if name in arrays and name not in spoken_of
    }
    try:
        require_same_entries(shapes, fitted)
    except ValueError as error:
        remedy = known or "give another --model, or a --map"
        raise UsageError(f"{source}: {error}; {remedy}") from None
    if known:  # the shapes fit, and what is computed with them does not
        raise UsageError(f"{source}: {known}")
    require_finite(fitted, source)
    return fitted


def require_finite(arrays: Mapping[str, np.ndarray], source: Path) -> None:
    """Raise UsageError, with the tensor's name, for weights that are no numbers: NaN, infinite, quantised."""
    for name, array in arrays.items():
        if array.dtype.kind != "f":
            raise UsageError(
                f"{source}: {name} holds {array.dtype} numbers; quantised weights mean nothing without their "
                f"scale: export them as float32"
            )
        wrong = array.size - int(np.count_nonzero(np.isfinite(array)))
        if wrong:
            raise UsageError(
                f"{source}: {name} holds {wrong} of {array.size} numbers that are NaN or infinite; "
                f"give weights from before training diverged"
            )


def _without_common_prefix(
    arrays: dict[str, np.ndarray], shapes: Mapping[str, Sequence[int]]
) -> dict[str, np.ndarray]:
    """The arrays under the model's own names, if these only have something before them, as "net."."""
    first = next(iter(shapes))
    for start in [name.removesuffix(first) for name in arrays if name.endswith(f".{first}")]:
        bare = {name.removeprefix(start): array for name, array in arrays.items() if name.startswith(start)}
        if len(bare) == len(arrays) and bare.keys() == shapes.keys():
            return bare
    return arrays


def linked(weights: ForeignWeights, shapes: Shapes, *, names: Names) -> list[Link]:
    """The tensors that a map links, fitting or not. Raises UsageError for what it names that is not there."""
    ours, theirs = _sides(shapes, weights.neutral())
    try:
        lines = [line for line in lines_of(names) if line.ours and line.theirs]
        return [link for line in lines for link in links_of(line, ours, theirs)]
    except ValueError as error:
        raise UsageError(f"{weights.source}: {error}; correct it") from None


def _sides(shapes: Shapes, arrays: Mapping[str, np.ndarray]) -> tuple[Tensors, Tensors]:
    held = {name: array.shape for name, array in arrays.items()}
    return (
        Tensors(title="the model", shapes=shapes, aliases={}),
        Tensors(title="the file", shapes=held, aliases={}),
    )


def _links(names: Names, shapes: Shapes, arrays: Mapping[str, np.ndarray]) -> list[Link]:
    """What a map links. Raises ValueError for what it names that is not there, and for shapes that differ."""
    ours, theirs = _sides(shapes, arrays)
    links: list[Link] = []
    for line in lines_of(names):
        if not line.theirs:
            raise ValueError(f"--map, {line.text}: the model needs it, and it cannot be left out")
        if not line.ours:
            for name in line.theirs:
                theirs.held(name)  # it must be there to be left out
            continue
        for link in links_of(line, ours, theirs):
            _require_fit(line, link)
            links.append(link)
    return links


def _require_fit(line: Line, link: Link) -> None:
    """A reshape must be asked for, but of a linear weight that a convolution takes."""
    own, other = next(iter(link.ours.values())), next(iter(link.theirs.values()))
    single = len(link.ours) == len(link.theirs) == 1 and not link.transpose
    reason = link.misfit()
    if reason is None and link.reshapes and line.reshape is None:
        if single and _takes_linear(own, other):
            return
        reason = f"{' + '.join(link.ours)} and {' + '.join(link.theirs)} have other shapes"
    if reason is not None:
        raise ValueError(f"--map, {line.text}: {reason}")


def _why_not(arrays: Mapping[str, np.ndarray], shapes: Shapes) -> str:
    """Explain a file whose names are not the model's: propose a map, or list all that does not fit."""
    known = known_network({name: array.shape for name, array in arrays.items()})
    pairs = list(zip(shapes.items(), arrays.items(), strict=False))
    misfits = [
        f"{theirs} {array.shape} for {ours} {tuple(shape)}"
        for (ours, shape), (theirs, array) in pairs
        if _as_layer(array, shape).shape != tuple(shape)
    ]
    if len(arrays) != len(shapes):
        found = cut([f"{name} {array.shape}" for name, array in arrays.items()])
        wanted = cut([f"{name} {tuple(shape)}" for name, shape in shapes.items()])
        remedy = known or f"give another --model; {OWN_MODEL}"
        return f"does not fit the model, which has {wanted}; the file has {found}; {remedy}"
    if misfits:
        remedy = known or f"give another --model, or a --map; {OWN_MODEL}"
        return f"does not fit the model: {cut(misfits, separator='; ')}; {remedy}"
    if known:
        return known
    names = {ours: theirs for (ours, _), (theirs, _) in pairs}
    return (
        f"names differ from the model's, but order and shapes fit; if these belong together, save this and "
        f"give it with --map: {json.dumps(names)}"
    )


def _as_layer(array: np.ndarray, shape: Sequence[int]) -> np.ndarray:
    """A linear weight (outputs, inputs) as the convolution whose window is its whole input.

    Both frameworks flatten (channels, height, width) in that order, so the numbers stay where they are.
    """
    return array.reshape(tuple(shape)) if _takes_linear(shape, array.shape) else array


def _takes_linear(shape: Sequence[int], linear: Sequence[int]) -> bool:
    """True if a convolution's weight has as many numbers, and outputs, as a linear layer's."""
    return len(linear) == 2 and len(shape) == 4 and prod(linear) == prod(shape) and linear[0] == shape[0]
