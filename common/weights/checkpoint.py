"""A training run on disk: weights, moments, and all that is needed to go on as if nothing had happened.

A checkpoint is one safetensors file. Weights lie under their plain names, so that anyone can load them;
moments under "optimizer/"; the rest is JSON in the header. It is written atomically, and holds no time
and no place: the same run gives the same bytes.
"""

import hashlib
import json
import logging
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import numpy as np

from common.cli import UsageError
from common.json_text import json_text
from common.transforms.data_config import DataConfig
from common.weights import safetensors_file

LAST, BEST = "last.safetensors", "best.safetensors"
MOMENTS = "optimizer/"
VERSION = 1
logger = logging.getLogger(__name__)


@dataclass(frozen=True, kw_only=True)
class ModelConfig:
    """The model that weights belong to, and how its images are prepared.

    ``assumed`` names the flags of what nobody said and was guessed. ``own`` has, for a model of the user's
    own, by backend its "source", MODULE:CALLABLE, and "files", the SHA-256 of each file that defines it.
    """

    model: str
    num_classes: int
    channels: int
    options: Mapping[str, Any] = field(default_factory=dict)
    classes: tuple[str, ...] | None = None
    preparation: DataConfig
    assumed: tuple[str, ...] = ()
    own: Mapping[str, Mapping[str, Any]] = field(default_factory=dict)

    def to_json(self) -> dict[str, Any]:
        """As JSON can hold it."""
        guesses = {"assumed": list(self.assumed)} if self.assumed else {}
        return (
            guesses
            | ({"own": dict(self.own)} if self.own else {})
            | {
                "model": self.model,
                "num_classes": self.num_classes,
                "channels": self.channels,
                "options": dict(self.options),
                "classes": self.classes and list(self.classes),
                "preparation": self.preparation.to_json(),
            }
        )

    @classmethod
    def from_json(cls, values: Mapping[str, Any]) -> "ModelConfig":
        """The reverse of ``to_json``."""
        classes = values["classes"]
        entries = {name: values[name] for name in ("model", "num_classes", "channels", "options")}
        return cls(
            **entries,
            classes=classes and tuple(classes),
            preparation=DataConfig.from_json(values["preparation"]),
            assumed=tuple(values.get("assumed", ())),
            own=values.get("own", {}),
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
        facts: dict[str, Any] = {
            "checkpoint": VERSION,
            "subject": self.subject.to_json(),
            "run": dict(self.run),
        }
        facts = json.loads(json_text(facts))
        facts["digest"] = digest(facts, arrays)
        safetensors_file.save(path, arrays, note=json_text(facts, indent=None, sort_keys=True))


def digest(facts: Mapping[str, Any], arrays: Mapping[str, np.ndarray]) -> str:
    """SHA-256 of a checkpoint's description and arrays: a flipped bit on disk looks like a weight."""
    described = {name: value for name, value in facts.items() if name != "digest"}
    found = hashlib.sha256(json.dumps(described, sort_keys=True).encode())
    for name in sorted(arrays):
        array = np.require(arrays[name], requirements="C")
        found.update(f"{name} {array.dtype.str} {array.shape}\n".encode())
        found.update(array.reshape(-1).view(np.uint8).data)
    return found.hexdigest()


def read(path: Path) -> Checkpoint | None:
    """The checkpoint in a file.

    Returns None if it is a safetensors file of someone else's. Raises UsageError for one whose content is not
    what was written.
    """
    facts = _facts(path)
    if facts is None:
        return None
    arrays = safetensors_file.load(path)
    if "digest" not in facts:
        logger.warning("%s: an older checkpoint, without a digest: damage to it cannot be seen", path)
    elif facts["digest"] != digest(facts, arrays):
        raise UsageError(f"{path}: is damaged: its content is not what was written; take another copy")
    try:
        return _checkpoint(facts, arrays)
    except (LookupError, TypeError, ValueError, AttributeError) as error:
        raise UsageError(f"{path}: a checkpoint whose description cannot be read ({error})") from None


def _checkpoint(facts: Mapping[str, Any], arrays: dict[str, np.ndarray]) -> Checkpoint:
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
    except (ValueError, KeyError, TypeError, RecursionError):
        return None
    if version != VERSION:
        raise UsageError(
            f"{path}: a checkpoint of version {str(version)[:20]}, this program reads {VERSION}; update it"
        )
    return facts
