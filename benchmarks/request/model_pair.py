"""Models to compare: ours by name, or anyone's own pair, with batch and weights."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any, Protocol

import numpy as np

from backends.open_model import ModelSpec
from common.weights import initialization, safetensors_file

ROLES = ("loss", "optimizer", "data", "metric")  # what may be the user's own beside the model


class Askable(Protocol):
    """A backend that can be asked for tasks: a worker, or tasks in this process."""

    def ask(self, task: str, **arguments: Any) -> Any:
        """Have one task done and return its result."""


@dataclass(frozen=True, kw_only=True)
class ModelPair:
    """A model and its size; the seed of its weights and of the batch.

    ``sources`` has, for a pair of the user's own, each backend's MODULE:CALLABLE; ``plugins`` the
    user's own loss, optimizer, data and metric, by backend and role; ``names`` is a map from torch's
    parameter or layer names to paddle's.
    """

    model: str = ""
    num_classes: int
    input_shape: tuple[int, int, int]
    seed: int = 0
    batch_size: int = 2
    sources: Mapping[str, str] = field(default_factory=dict)
    plugins: Mapping[str, Mapping[str, str]] = field(default_factory=dict)
    names: Mapping[str, str] = field(default_factory=dict)
    folder: str = ""

    @property
    def foreign(self) -> bool:
        """True if the models are the user's own."""
        return bool(self.sources)

    def spec(self, backend: str, *, precision: str, device: str) -> ModelSpec:
        """The model of one side."""
        spec = ModelSpec(precision=precision, device=device)
        if self.foreign:
            return replace(spec, source=self.sources[backend], folder=self.folder)
        return replace(spec, name=self.model, num_classes=self.num_classes, channels=self.input_shape[0])

    def has(self, role: str) -> bool:
        """True if both sides bring an object of the user's own for this role."""
        return all(role in self.plugins.get(name, {}) for name in ("torch", "paddle"))


def draw_batch(subject: ModelPair, *, batch_size: int) -> dict[str, np.ndarray]:
    """Images like normalised photographs, N(0, 1) in float32, and labels: the same for both sides."""
    rng = np.random.default_rng((subject.seed, batch_size))
    return {
        "images": rng.standard_normal((batch_size, *subject.input_shape), dtype=np.float32),
        "labels": rng.integers(subject.num_classes, size=batch_size),
    }


def write_weights(shapes: Mapping[str, Sequence[int]], *, seed: int, path: Path) -> None:
    """Draw one set of weights for both sides."""
    safetensors_file.save(path, initialization.draw_scaled(shapes, seed=seed))


def stirred(name: str, array: np.ndarray, *, rng: np.random.Generator) -> np.ndarray:
    """A tensor with something to tell: one that is the same number all over would hide how it is used.

    Fresh scales are all 1, fresh biases and running means all 0; a swapped or forgotten one would go
    unseen. Those get noise of deviation 0.1; running variances stay positive.
    """
    if array.dtype.kind != "f" or array.size < 2 or array.min() != array.max():
        return array
    noise = rng.standard_normal(array.shape) * 0.1
    if name.endswith("running_var"):
        noise = np.abs(noise)
    return (array + noise).astype(np.float32).astype(array.dtype)
