"""Dropout masks drawn in NumPy, the same for both frameworks."""

import zlib

import numpy as np


class Masks:
    """Masks that depend on the seed, the update, the micro-batch and the layer's name alone.

    Each of many processes draws the mask of the whole batch and takes its own rows, so that together they
    have the mask that one process would have.
    """

    def __init__(self, seed: int, *, rank: int = 0, ranks: int = 1) -> None:
        self.seed, self.moment = seed, (0, 0)
        self.rank, self.ranks = rank, ranks

    def at(self, update: int, micro_batch: int) -> None:
        """Draw for this micro-batch of this update from now on."""
        self.moment = (update, micro_batch)

    def __call__(self, layer: str, shape: tuple[int, ...], probability: float) -> np.ndarray:
        """Float32, 0 with ``probability`` and else 1."""
        rng = np.random.default_rng((self.seed, *self.moment, zlib.crc32(layer.encode())))
        # Row by row from one stream: rows beyond the batch's end change none of those before.
        whole = rng.random((shape[0] * self.ranks, *shape[1:]), dtype=np.float32)
        return np.asarray(whole[self.rank :: self.ranks] >= np.float32(probability), dtype=np.float32)
