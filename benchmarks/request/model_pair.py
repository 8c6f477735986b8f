"""Models to compare: ours by name, or anyone's own pair, with batch and weights."""

from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import TYPE_CHECKING, Any, Protocol

from backends.open_model import ModelSpec
from common.shipped import BUILDERS

if TYPE_CHECKING:
    import numpy as np

ROLES = ("loss", "optimizer", "data", "metric")  # what may be the user's own beside the model


class Askable(Protocol):
    """A backend that can be asked for tasks: a worker, or tasks in this process."""

    def ask(self, task: str, **arguments: Any) -> Any:
        """Have one task done and return its result."""


DTYPES = ("float32", "int64", "bool")


@dataclass(frozen=True, kw_only=True)
class InputSpec:
    """One input of a model, without the batch; integers are drawn from 0 to ``below``."""

    name: str
    shape: tuple[int, ...]
    dtype: str = "float32"
    below: int = 2

    @classmethod
    def parse(cls, text: str) -> "InputSpec":
        """Read NAME=SIDE,SIDE,...[:dtype[<LIMIT]], as in tokens=16:int64<1000. Raises ValueError."""
        name, equals, rest = text.partition("=")
        sides, _, kind = rest.partition(":")
        dtype, _, below = kind.partition("<")
        shape = tuple(int(side) for side in sides.split(","))
        if not (equals and name and min(shape) > 0 and (dtype or "float32") in DTYPES):
            raise ValueError(text)
        return cls(name=name, shape=shape, dtype=dtype or "float32", below=int(below or 2))

    @property
    def text(self) -> str:
        """As ``parse`` reads it."""
        limit = f"<{self.below}" if self.dtype == "int64" else ""
        return f"{self.name}={','.join(map(str, self.shape))}:{self.dtype}{limit}"

    def draw(self, rng: "np.random.Generator", batch_size: int) -> "np.ndarray":
        """A batch of it: N(0, 1), integers from 0 below the limit, or True and False."""
        shape = (batch_size, *self.shape)
        if self.dtype == "float32":
            return rng.standard_normal(shape, dtype="float32")
        return rng.integers(self.below, size=shape).astype(self.dtype)


@dataclass(frozen=True, kw_only=True)
class ModelPair:
    """A model, its size, and the seed of its weights and batch.

    ``sources`` has, for a pair of the user's own, each backend's
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
    inputs: tuple[InputSpec, ...] = ()  # where the model takes something else than images
    inputs_source: str = ""  # MODULE:CALLABLE that gives them, as NumPy arrays
    output: str = ""  # key of the output that loss and metrics see
    arguments: Mapping[str, Any] = field(default_factory=dict)  # of the callables in ``sources``
    weights: Path | None = None  # a file of weights for a pair of the user's own, in the place of torch's
    batch_folder: str = ""  # a TensorFolder with the batch that is compared, in the place of a drawn one

    @property
    def foreign(self) -> bool:
        """True if the models are the user's own."""
        return bool(self.sources)

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
