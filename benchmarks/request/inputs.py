"""Weights and batches that both sides are given."""

import math
from collections.abc import Mapping, Sequence
from pathlib import Path

import numpy as np

from benchmarks.request.model_pair import ModelPair
from common.input_spec import InputSpec
from common.runtime.memory import require_memory
from common.weights import initialization, safetensors_file

LABELS = "labels"
BYTES = 4  # of a number that is drawn


def input_place(name: str) -> int:
    """Place of a batch's input by its name, "input0" first."""
    return int(name.removeprefix("input")) if name.startswith("input") else -1


def draw_inputs(subject: ModelPair) -> dict[str, np.ndarray]:
    """The model's inputs, "input0" ..., and the labels: the same for both sides.

    Raises NotEnoughMemoryError before anything is drawn, as ``draw_batch`` does.
    """
    _require_memory(subject, subject.batch_size)
    rng = np.random.default_rng((subject.seed, subject.batch_size))
    shapes = subject.inputs or (InputSpec(name="images", shape=subject.input_shape),)
    drawn = {f"input{place}": spec.draw(rng, subject.batch_size) for place, spec in enumerate(shapes)}
    return drawn | {LABELS: rng.integers(subject.num_classes, size=subject.batch_size)}


def draw_batch(subject: ModelPair, *, batch_size: int) -> dict[str, np.ndarray]:
    """Images like normalised photographs, N(0, 1) in float32, and labels: the same for both sides.

    Of a model that takes other inputs, all of them side by side, (batch, numbers): what it is given together.
    """
    _require_memory(subject, batch_size)
    rng = np.random.default_rng((subject.seed, batch_size))
    if subject.inputs:
        drawn = [spec.draw(rng, batch_size).reshape(batch_size, -1) for spec in subject.inputs]
        images = np.concatenate(drawn, axis=1, dtype=np.float32)
    else:
        images = rng.standard_normal((batch_size, *subject.input_shape), dtype=np.float32)
    return {
        "images": images,
        "labels": rng.integers(subject.num_classes, size=batch_size),
    }


def _require_memory(subject: ModelPair, batch_size: int) -> None:
    sides = " and ".join("x".join(map(str, shape)) for shape in _shapes(subject))
    require_memory(batch_bytes(subject, batch_size), f"a batch of {batch_size:,} inputs of {sides}")


def batch_bytes(subject: ModelPair, batch_size: int) -> int:
    """Bytes of all inputs of a batch, as they are drawn."""
    return BYTES * batch_size * sum(map(math.prod, _shapes(subject)))


def _shapes(subject: ModelPair) -> list[tuple[int, ...]]:
    return [spec.shape for spec in subject.inputs] or [subject.input_shape]


def write_weights(shapes: Mapping[str, Sequence[int]], *, seed: int, path: Path) -> None:
    """Draw one set of weights for both sides."""
    safetensors_file.save(path, initialization.draw_scaled(shapes, seed=seed))


def stirred(name: str, array: np.ndarray, *, rng: np.random.Generator) -> np.ndarray:
    """Add noise to a constant tensor, which would hide a swapped or unused parameter.

    Fresh scales are all 1, fresh biases and running means all 0. They get noise of deviation 0.1; running
    variances stay positive.
    """
    if array.dtype.kind != "f" or array.size < 2 or array.min() != array.max():
        return array
    noise = rng.standard_normal(array.shape) * 0.1
    if name.endswith("running_var"):
        noise = np.abs(noise)
    return (array + noise).astype(np.float32).astype(array.dtype)
