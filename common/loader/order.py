"""In which order samples come, and whose they are: from seed, epoch and rank alone."""

import math

import numpy as np


def epoch_order(
    length: int, *, seed: int, epoch: int, shuffle: bool, rank: int = 0, ranks: int = 1
) -> np.ndarray:
    """Positions of one rank's samples in one epoch, int64.

    Every sample comes once an epoch; where they do not divide evenly, the first ones come once more, so
    that every rank has equally many: as torch's DistributedSampler does it,
    https://docs.pytorch.org/docs/stable/data.html#torch.utils.data.distributed.DistributedSampler
    """
    order = np.arange(length)
    if shuffle:
        np.random.default_rng((seed, epoch)).shuffle(order)
    each = math.ceil(length / ranks)
    return np.resize(order, each * ranks)[rank::ranks]
