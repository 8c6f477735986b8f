"""Files in MNIST's layout, small and made here."""

import gzip
import struct

import numpy as np

PIXELS = np.random.default_rng(0).integers(256, size=(6, 5, 4), dtype=np.uint8)
LABELS = np.array([1, 0, 2, 1, 0, 2], dtype=np.uint8)


def idx_bytes(array):
    return struct.pack(f">BBBB{array.ndim}I", 0, 0, 8, array.ndim, *array.shape) + array.tobytes()


def write_idx(folder, *, name="train", zipped=False, images=None, labels=None):
    folder.mkdir(exist_ok=True)
    contents = {
        "images-idx3": idx_bytes(PIXELS) if images is None else images,
        "labels-idx1": idx_bytes(LABELS) if labels is None else labels,
    }
    for part, content in contents.items():
        path = folder / f"{name}-{part}-ubyte{'.gz' if zipped else ''}"
        path.write_bytes(gzip.compress(content) if zipped else content)
    return folder
