"""Models to compare: ours by name, or anyone's own pair, with batch and weights."""

from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from typing import Any, Protocol

from backends.open_model import ModelSpec

ROLES = ("loss", "optimizer", "data", "metric")  # what may be the user's own beside the model


class Askable(Protocol):
    """A backend that can be asked for tasks: a worker, or tasks in this process."""

    def ask(self, task: str, **arguments: Any) -> Any:
        """Have one task done and return its result."""


@dataclass(frozen=True, kw_only=True)
class ModelPair:
    """A model and its size.

    The seed of its weights and of the batch. ``sources`` has, for a pair of the user's own, each backend's
    MODULE:CALLABLE; ``plugins`` the user's own loss, optimizer, data and metric, by backend and role;
    ``names`` is a map from torch's parameters or layers to paddle's (common.weights.map_lines).
    """

    model: str = ""
    num_classes: int
    input_shape: tuple[int, int, int]
    seed: int = 0
    batch_size: int = 2
    sources: Mapping[str, str] = field(default_factory=dict)
    plugins: Mapping[str, Mapping[str, str]] = field(default_factory=dict)
    names: Mapping[str, Any] = field(default_factory=dict)
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
