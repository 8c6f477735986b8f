"""Weights as named arrays in the neutral layout: what both frameworks agree on."""

from collections.abc import Mapping, Sequence

import numpy as np


def require_same_entries(expected: Mapping[str, Sequence[int]], arrays: Mapping[str, np.ndarray]) -> None:
    """Raise ValueError listing every missing, surplus and misshapen entry of ``arrays``."""
    problems = [f"missing {name} {tuple(shape)}" for name, shape in expected.items() if name not in arrays]
    problems += [f"surplus {name} {array.shape}" for name, array in arrays.items() if name not in expected]
    problems += [
        f"{name} is {arrays[name].shape}, expected {tuple(shape)}"
        for name, shape in expected.items()
        if name in arrays and arrays[name].shape != tuple(shape)
    ]
    if problems:
        raise ValueError(f"the weights do not fit the model: {'; '.join(problems)}")
