"""A training run on disk: weights, moments, and all that is needed to go on as if nothing had happened.

A checkpoint is one safetensors file. Weights lie under their plain names, so that anyone can load them;
moments under "optimizer/"; the rest is JSON in the header. It is written atomically, and holds no time
and no place: the same run gives the same bytes.
"""

import json
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import numpy as np

from common.cli import UsageError
from common.transforms.data_config import DataConfig
from common.weights import safetensors_file

LAST, BEST = "last.safetensors", "best.safetensors"
MOMENTS = "optimizer/"
VERSION = 1


@dataclass(frozen=True, kw_only=True)
class ModelConfig:
    """The model that weights belong to, and how its images are prepared."""

    model: str
    num_classes: int
    channels: int
    options: Mapping[str, Any] = field(default_factory=dict)
    classes: tuple[str, ...] | None = None
    preparation: DataConfig

    def to_json(self) -> dict[str, Any]:
        """As JSON can hold it."""
        return {
            "model": self.model,
            "num_classes": self.num_classes,
            "channels": self.channels,
            "options": dict(self.options),
            "classes": self.classes and list(self.classes),
            "preparation": self.preparation.to_json(),
        }

    @classmethod
    def from_json(cls, values: Mapping[str, Any]) -> "ModelConfig":
        """The reverse of ``to_json``."""
        classes = values["classes"]
        entries = {name: values[name] for name in ("model", "num_classes", "channels", "options")}
        return cls(
            **entries,
            classes=classes and tuple(classes),
            preparation=DataConfig.from_json(values["preparation"]),
        )


@dataclass(frozen=True, kw_only=True)
class Checkpoint:
    """Weights of a subject.

    A checkpoint to resume from also has the moments and ``run``, the state of the run.
    """

    subject: ModelConfig
    weights: Mapping[str, np.ndarray]
    moments: Mapping[str, np.ndarray] = field(default_factory=dict)
    run: Mapping[str, Any] = field(default_factory=dict)

    def write(self, path: Path) -> None:
        """Write the file, atomically: it is the old one or the whole new one, whenever one is killed."""
        arrays = dict(self.weights) | {f"{MOMENTS}{name}": array for name, array in self.moments.items()}
        facts = {"checkpoint": VERSION, "subject": self.subject.to_json(), "run": dict(self.run)}
        safetensors_file.save(path, arrays, note=json.dumps(facts, sort_keys=True, ensure_ascii=False))


def read(path: Path) -> Checkpoint | None:
    """The checkpoint in a file.

    Returns None if it is a safetensors file of someone else's.
    """
    facts = _facts(path)
    if facts is None:
        return None
    arrays = safetensors_file.load(path)
    moments = {name: arrays.pop(name) for name in list(arrays) if name.startswith(MOMENTS)}
    return Checkpoint(
        subject=ModelConfig.from_json(facts["subject"]),
        weights=arrays,
        moments={name.removeprefix(MOMENTS): array for name, array in moments.items()},
        run=facts["run"],
    )


def locate(path: Path) -> Path:
    """The file that is meant by a file or by the folder of a run, whose best weights are taken."""
    if not path.is_dir():
        return path
    for name in (BEST, LAST):
        if (path / name).is_file():
            return path / name
    raise UsageError(f"{path}: holds neither {BEST} nor {LAST}; name a checkpoint or the folder of a run")


def run_of(path: Path) -> dict[str, Any] | None:
    """The state, without arrays, of the run whose folder, or checkpoint in it, a path is; else None."""
    last = (path.parent if path.name in (BEST, LAST) else path) / LAST
    facts = _facts(last) if last.is_file() else None
    return (facts or {}).get("run") or None


def _facts(path: Path) -> dict[str, Any] | None:
    note = safetensors_file.read_note(path)
    if note is None:
        return None
    try:
        facts: dict[str, Any] = json.loads(note)
        version = facts["checkpoint"]
    except (ValueError, KeyError, TypeError):
        return None
    if version != VERSION:
        raise UsageError(
            f"{path}: a checkpoint of version {version}, this program reads {VERSION}; update it"
        )
    return facts
