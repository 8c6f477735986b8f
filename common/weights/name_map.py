"""Fitting weights of any names to a model: by name, by a given map, and else with a proposal."""

import json
from collections.abc import Mapping, Sequence
from pathlib import Path

import numpy as np

from common.cli import UsageError
from common.weights.external import ForeignWeights
from common.weights.layout import require_same_entries

Shapes = Mapping[str, Sequence[int]]


def fit(
    weights: ForeignWeights, shapes: Shapes, *, names: Mapping[str, str] | None = None
) -> dict[str, np.ndarray]:
    """The model's arrays by its own names, in the neutral layout.

    ``names`` maps names of the model to names in the file; the rest are paired by equal names. A linear
    layer stands in for a convolution that sees its whole input at once. Raises UsageError listing
    everything that does not fit, or proposing a map where only the names differ.
    """
    arrays, source = weights.neutral(), weights.source
    if names is None and set(arrays) != set(shapes):
        raise UsageError(f"{source}: {_why_not(arrays, shapes)}")
    own = {name: (names or {}).get(name, name) for name in shapes}
    strangers = sorted(set(names or {}) - set(shapes)) + sorted(set((names or {}).values()) - set(arrays))
    if strangers:
        raise UsageError(f"{source}: --map names {', '.join(strangers)}, which are not there; correct it")
    fitted = {
        name: _as_layer(arrays[theirs], shapes[name]) for name, theirs in own.items() if theirs in arrays
    }
    try:
        require_same_entries(shapes, fitted)
    except ValueError as error:
        raise UsageError(f"{source}: {error}; give another --model, or a --map") from None
    return fitted


def read_map(path: Path | None) -> dict[str, str] | None:
    """A map of names from a JSON object {name in the model: name in the file}."""
    if path is None:
        return None
    try:
        names = json.loads(path.read_text(encoding="utf-8"))
    except FileNotFoundError:
        raise UsageError(f"{path}: no such file") from None
    except (OSError, ValueError) as error:
        raise UsageError(f"{path}: not readable as JSON ({error})") from None
    if not isinstance(names, dict) or not all(isinstance(name, str) for name in names.values()):
        raise UsageError(f'{path}: expected {{"name in the model": "name in the file", ...}}')
    return names


def _why_not(arrays: Mapping[str, np.ndarray], shapes: Shapes) -> str:
    """Explain a file whose names are not the model's: propose a map, or list all that does not fit."""
    pairs = list(zip(shapes.items(), arrays.items(), strict=False))
    misfits = [
        f"{theirs} {array.shape} for {ours} {tuple(shape)}"
        for (ours, shape), (theirs, array) in pairs
        if _as_layer(array, shape).shape != tuple(shape)
    ]
    if len(arrays) != len(shapes):
        found = ", ".join(f"{name} {array.shape}" for name, array in arrays.items())
        wanted = ", ".join(f"{name} {tuple(shape)}" for name, shape in shapes.items())
        return f"does not fit the model, which has {wanted}; the file has {found}; give another --model"
    if misfits:
        return f"does not fit the model: {'; '.join(misfits)}; give another --model, or a --map"
    names = {ours: theirs for (ours, _), (theirs, _) in pairs}
    return (
        f"names differ from the model's, but order and shapes fit; if these belong together, save this and "
        f"give it with --map: {json.dumps(names)}"
    )


def _as_layer(array: np.ndarray, shape: Sequence[int]) -> np.ndarray:
    """A linear weight (outputs, inputs) as the convolution whose window is its whole input.

    Both frameworks flatten (channels, height, width) in that order, so the numbers stay where they are.
    """
    if array.ndim == 2 and len(shape) == 4 and array.size == np.prod(shape) and len(array) == shape[0]:
        return array.reshape(tuple(shape))
    return array
