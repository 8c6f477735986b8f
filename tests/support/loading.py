"""Loaders of a small list of noise, and what they gave compared."""

import numpy as np

from common.loader.loader import Loader
from common.transforms.preprocessing import evaluation_preprocessing

SHAPE = (3, 32, 40)


def loaded(index, **options):
    settings = {"preprocessing": evaluation_preprocessing(SHAPE), "batch_size": 3} | options
    return Loader(index=index, **settings)


def same(ours, theirs):
    pairs = list(zip(ours, theirs, strict=True))
    return bool(pairs) and all(
        np.array_equal(left[0], right[0]) and np.array_equal(left[1], right[1]) for left, right in pairs
    )


def copied(batches):
    return [(images.copy(), labels) for images, labels in batches]
