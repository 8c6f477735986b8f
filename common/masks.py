"""Dropout masks drawn in NumPy, the same for both frameworks."""

import numpy as np


class Masks:
    """Masks that depend on the seed, the update, the part of its batch and the layer's position alone."""

    def __init__(self, seed: int) -> None:
        self.seed, self.moment = seed, (0, 0)

    def at(self, update: int, part: int) -> None:
        """Draw for this part of this update from now on."""
        self.moment = (update, part)

    def __call__(self, position: int, shape: tuple[int, ...], probability: float) -> np.ndarray:
        """Float32, 0 with ``probability`` and else 1 / (1 - probability): the mean stays as it is."""
        rng = np.random.default_rng((self.seed, *self.moment, position))
        kept = rng.random(shape, dtype=np.float32) >= np.float32(probability)
        return kept * np.float32(1 / (1 - probability))
