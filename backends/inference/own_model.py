"""A model of the user's own in training: opened, its files recorded, parameters and buffers exchanged."""

import os
import random
from collections.abc import Mapping
from dataclasses import replace
from pathlib import Path
from typing import Any, cast

import numpy as np

from backends import Backend, Model
from backends.open_model import ModelSpec, open_model
from backends.user_code import file_hashes, model_files
from common.cli import UsageError
from common.weights.checkpoint import ModelConfig
from common.weights.described_file import BUFFER

FOLDER = "SIDE_BY_SIDE_FOLDER"  # where callables are looked up, of a run that another command starts


def own_folder() -> Path:
    """The folder of the user's own modules."""
    return Path(os.environ.get(FOLDER) or Path.cwd())


def backend_name(backend: Backend) -> str:
    """The name by which a backend was loaded."""
    return str(cast("Any", backend).__name__).rpartition(".")[2]


def open_own(
    backend: Backend,
    subject: ModelConfig,
    *,
    precision: str,
    device: str,
    seed: int = 0,
) -> Model:
    """The subject's model on a backend, with the values that it comes with from this seed.

    Raises UsageError where the subject has no callable for the backend, or its model gives other logits than
    there are classes.
    """
    name = backend_name(backend)
    entry = subject.own.get(name)
    if entry is None:
        raise UsageError(f"--{name} MODULE:CALLABLE is missing: this command computes with {name}")
    random.seed(seed)
    np.random.seed(seed)
    backend.seed_dropout(seed)  # the generator that initial values are drawn from, too
    spec = ModelSpec(precision=precision, device=device, source=entry["source"], folder=str(own_folder()))
    model = open_model(backend, spec)
    _require_logits(backend, model, subject, precision=precision, device=device, source=entry["source"])
    return model


def _require_logits(
    backend: Backend, model: Model, subject: ModelConfig, *, precision: str, device: str, source: str
) -> None:
    images = np.zeros((2, *subject.preparation.input_shape), np.float32)
    backend.set_training(model, False)
    logits = backend.infer(model, backend.from_numpy(images, device=device, precision=precision))
    shape, wanted = tuple(getattr(logits, "shape", ())), (2, subject.num_classes)
    if shape != wanted:
        found = f"a tensor {shape}" if shape else type(logits).__name__
        raise UsageError(
            f"{source}: returns {found} for two images of {'x'.join(map(str, images.shape[1:]))}; the data "
            f"have {subject.num_classes} classes, so it has to return logits {wanted} and nothing else"
        )


def recorded(subject: ModelConfig, backend: Backend) -> ModelConfig:
    """The subject with the hashes of the files that a backend's model was opened from."""
    name, folder = backend_name(backend), own_folder()
    entry = subject.own[name]
    files = model_files(entry["source"], folder=str(folder))
    own = {_inside(path, folder): sha for path, sha in files.items()}
    return replace(subject, own={**subject.own, name: {**entry, "files": own}})


def changed_file(subject: ModelConfig) -> str | None:
    """A file of a recorded model that is not as it was; None where all are."""
    for entry in subject.own.values():
        before: Mapping[str, str] = entry.get("files", {})
        places = {path: str(own_folder() / path) for path in before}
        now = file_hashes(places.values())
        changed = [path for path, sha in before.items() if now[places[path]] != sha]
        if changed:
            return changed[0]
    return None


def _inside(path: str, folder: Path) -> str:
    """Relative to the folder where it lies in it: a checkpoint holds no place."""
    root = f"{folder.resolve()}{os.sep}"
    resolved = str(Path(path).resolve())
    return resolved.removeprefix(root)


def get_all(backend: Backend, model: Model) -> dict[str, np.ndarray]:
    """A copy of every parameter, and of every buffer behind "buffers/"."""
    buffers = {f"{BUFFER}{name}": array for name, array in backend.get_buffers(model).items()}
    return backend.get_weights(model) | buffers


def set_all(backend: Backend, model: Model, arrays: Mapping[str, np.ndarray], *, source: str) -> None:
    """Copy what ``get_all`` gave into a model. Raises UsageError where its parameters are others."""
    buffers = {name.removeprefix(BUFFER): array for name, array in arrays.items() if name.startswith(BUFFER)}
    try:
        weights = {name: array for name, array in arrays.items() if not name.startswith(BUFFER)}
        backend.set_weights(model, weights)
    except ValueError as error:
        raise UsageError(f"{source}: is of a model with other parameters: {error}") from None
    backend.set_buffers(model, buffers)
