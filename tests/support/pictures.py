"""Pictures to transform: a real photograph (scikit-learn's bundled flower), and noise of awkward sizes."""

import numpy as np
from PIL import Image

SHAPES = {"noise": (101, 77, 3), "tall": (300, 41, 3), "small": (20, 30, 3), "grey": (64, 51)}
PICTURES = ("photograph", *SHAPES)


def picture(name):
    from sklearn.datasets import load_sample_image

    if name == "photograph":
        return Image.fromarray(load_sample_image("flower.jpg"))
    return Image.fromarray(np.random.default_rng(0).integers(256, size=SHAPES[name], dtype=np.uint8))


def equal(one, other):
    return one.mode == other.mode and one.size == other.size and one.tobytes() == other.tobytes()
