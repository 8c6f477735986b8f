"""Models to compare: ours by name, or anyone's own pair, with batch and weights."""

from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any, Protocol

from backends.open_model import ModelSpec
from common.input_spec import InputSpec
from common.shipped import BUILDERS

ROLES = ("loss", "optimizer", "data", "metric")  # what may be the user's own beside the model


class Askable(Protocol):
    """A backend that can be asked for tasks: a worker, or tasks in this process."""

    def ask(self, task: str, **arguments: Any) -> Any:
        """Have one task done and return its result."""


@dataclass(frozen=True, kw_only=True)
class ModelPair:
    """A model, its size, and the seed of its weights and batch.

    ``sources`` has, for a pair of the user's own, each backend's
    MODULE:CALLABLE; ``plugins`` the user's own loss, optimizer, data and metric, by backend and role;
    ``names`` is a map from torch's parameters or layers to paddle's (common.weights.map_lines).
    ``framework`` is that of both sides where they are two versions of one: the first, which is called "torch"
    in all that is by backend, is this interpreter's, and the second, "paddle", another's.
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
    inputs: tuple[InputSpec, ...] = ()  # where the model takes something else than images
    inputs_source: str = ""  # MODULE:CALLABLE that gives them, as NumPy arrays
    output: str = ""  # key of the output that loss and metrics see
    arguments: Mapping[str, Any] = field(default_factory=dict)  # of the callables in ``sources``
    weights: Path | None = None  # a file of weights for a pair of the user's own, in the place of torch's
    batch_folder: str = ""  # a TensorFolder with the batch that is compared, in the place of a drawn one
    framework: str = ""

    @property
    def foreign(self) -> bool:
        """True if the models are the user's own."""
        return bool(self.sources)

    @property
    def titles(self) -> dict[str, str]:
        """What people call each side."""
        if not self.framework:
            return {"torch": "torch", "paddle": "paddle"}
        return {"torch": "this version", "paddle": "the other version"}

    def spec(self, backend: str, *, precision: str, device: str) -> ModelSpec:
        """The model of one side."""
        spec = ModelSpec(precision=precision, device=device)
        if self.foreign:
            source = self.sources[backend]
            folder = "" if source.startswith(f"{BUILDERS}:") else self.folder
            own = replace(spec, source=source, folder=folder, options=dict(self.arguments))
            return replace(own, num_classes=self.num_classes)
        return replace(spec, name=self.model, num_classes=self.num_classes, channels=self.input_shape[0])

    def has(self, role: str) -> bool:
        """True if both sides bring an object of the user's own for this role."""
        return all(role in self.plugins.get(name, {}) for name in ("torch", "paddle"))
