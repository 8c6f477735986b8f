"""Post-training quantisation to int8: the images that it is calibrated on, and its price."""

import math
from collections.abc import Sequence
from pathlib import Path

import numpy as np

from common.engines.engine import Operation, is_heavy
from common.weights import safetensors_file

INT8 = "int8"
DTYPES = ("int8", "uint8")
CALIBRATING, HELD_OUT = "calibrating", "held_out"  # names of the arrays in a file of images
MOST_IMAGES = 64  # of each
CPU_FACTS = Path("/proc/cpuinfo")


def save_images(path: Path, images: np.ndarray) -> None:
    """Write images, float32 (n, channels, height, width): every second one calibrates, the others judge."""
    arrays = {CALIBRATING: images[::2], HELD_OUT: images[1::2]}
    safetensors_file.save(path, {name: np.ascontiguousarray(each) for name, each in arrays.items()})


def full_batches(path: Path, name: str, *, size: int) -> list[np.ndarray]:
    """Images of a file in full batches, as an engine takes them. The last has some of the first again."""
    images = safetensors_file.load(path)[name]
    places = np.arange(math.ceil(len(images) / size) * size) % len(images)
    return [np.ascontiguousarray(images[chosen]) for chosen in np.split(places, len(places) // size)]


def has_vnni() -> bool:
    """True where the processor adds products of bytes without overflow.

    Elsewhere two products of 8 and 8 bits do not fit the 16 bits of their sum, and weights have to have 7.
    """
    return CPU_FACTS.exists() and "vnni" in CPU_FACTS.read_text(encoding="utf-8")


def int8_share(operations: Sequence[Operation]) -> tuple[int, int]:
    """How many of the convolutions and matrix products computed in int8, and how many there were."""
    heavy = [operation for operation in operations if is_heavy(operation.name) and operation.dtype]
    return sum(operation.dtype in DTYPES for operation in heavy), len(heavy)


def relative_l2(logits: np.ndarray, reference: np.ndarray) -> float:
    """Distance of logits (n, classes) from others, relative to these."""
    return float(np.linalg.norm(logits.astype(np.float64) - reference) / np.linalg.norm(reference))


def top1_agreement(logits: np.ndarray, reference: np.ndarray) -> float:
    """Share of the images (n, classes) of which both name the same class."""
    return float(np.mean(logits.argmax(axis=1) == reference.argmax(axis=1)))
