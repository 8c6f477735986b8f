"""What a worker is asked to set up, as it passes from the parent to the worker."""

from dataclasses import dataclass
from pathlib import Path
from typing import Any


@dataclass(frozen=True, kw_only=True)
class JobSpec:
    """A model, how it runs, and on what: ``dataclasses.asdict`` of it is JSON.

    The images are ``inputs``, the file of a fixed batch, or ``data``, a list to read inside every step.
    What an engine compiled, and the float64 logits, lie in the folder ``artefacts``.
    """

    build: dict[str, Any]  # arguments of Backend.build
    weights: str
    phase: str
    threads: int
    batch_size: int
    engine: str
    precision: str
    layout: str
    artefacts: str
    equalise: bool
    inputs: str | None = None
    data: dict[str, Any] | None = None

    @property
    def device(self) -> str:
        """Where the model is built and run."""
        return str(self.build["device"])

    def artefact_folder(self, name: str, *, images: Any) -> Path:
        """Where a backend keeps what it compiled ahead for images of a shape."""
        words = (name, self.engine, self.precision, self.layout, *images.shape)
        return Path(self.artefacts) / "-".join(map(str, words))
