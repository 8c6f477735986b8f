"""Weights as named arrays in the neutral layout: what both frameworks agree on."""

from collections.abc import Mapping, Sequence

import numpy as np

from common.weights.lookalikes import cut

ROWS = 64  # of a matrix that is turned over at once: they stay in the cache


def require_same_entries(expected: Mapping[str, Sequence[int]], arrays: Mapping[str, np.ndarray]) -> None:
    """Raise ValueError listing every missing, surplus and misshapen entry of ``arrays``."""
    shapes = {name: array.shape for name, array in arrays.items()}  # once: arrays may be read from a disk
    problems = [f"missing {name} {tuple(shape)}" for name, shape in expected.items() if name not in shapes]
    problems += [f"surplus {name} {shape}" for name, shape in shapes.items() if name not in expected]
    problems += [
        f"{name} is {shapes[name]}, expected {tuple(shape)}"
        for name, shape in expected.items()
        if name in shapes and shapes[name] != tuple(shape)
    ]
    if problems:
        raise ValueError(f"the weights do not fit the model: {cut(problems, separator='; ')}")


def transpose(matrix: np.ndarray) -> np.ndarray:
    """A matrix (rows, columns) turned over, in memory of its own as (columns, rows), the same dtype.

    NumPy's copy of ``matrix.T`` reads AlexNet's 4096x9216 layer column by column and takes 2.5 times as long,
    which would be reported as time that paddle needs to load its weights.
    """
    turned = np.empty(matrix.shape[::-1], matrix.dtype)
    for start in range(0, len(matrix), ROWS):
        turned[:, start : start + ROWS] = matrix[start : start + ROWS].T
    return turned
