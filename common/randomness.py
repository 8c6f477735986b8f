"""Randomness is passed in: whoever draws says from what."""

from typing import TypeAlias

import numpy as np

Rng: TypeAlias = np.random.Generator


def required(rng: Rng | None) -> Rng:
    """The generator, which a random transform cannot do without."""
    if rng is None:
        raise ValueError("a random transform needs a numpy.random.Generator as its second argument")
    return rng
