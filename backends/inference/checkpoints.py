"""Checkpoints opened: ours describe themselves, others are described by flags."""

import argparse
from collections.abc import Mapping
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import numpy as np

from backends import NAMES, Backend
from backends.inference.classifier import Classifier, build
from backends.inference.doubts import assumption, flag_values
from backends.inference.own_model import changed_file, set_all
from backends.open_model import ModelSpec, open_model
from common import model_cards
from common.cli import UsageError
from common.transforms.data_config import DataConfig
from common.transforms.preprocessing import of_each_channel
from common.weights import checkpoint
from common.weights.checkpoint import ModelConfig
from common.weights.described_file import BUFFER, WeightsFile
from common.weights.external import ForeignWeights, read_foreign
from common.weights.map_lines import Names, read_map
from common.weights.name_map import fit

ABOUT_LENET = ("activation", "pool", "no_c5_activation")
ABOUT_MODEL = ("model", "num_classes", "channels", *ABOUT_LENET)
ABOUT_IMAGES = ("resize", "crop", "pad", "mean", "std", "scale")


@dataclass(frozen=True, kw_only=True)
class OpenCheckpoint:
    """A checkpoint: what it is, and its arrays, which fit no model yet."""

    subject: ModelConfig
    weights: ForeignWeights
    names: Names | None = None

    def fitted(self, shapes: Mapping[str, tuple[int, ...]]) -> dict[str, np.ndarray]:
        """The arrays of a model of these shapes.

        Raises UsageError listing all that does not fit.
        """
        return fit(self.weights, shapes, names=self.names)

    def remarks(self) -> list[str]:
        """Lines on what of the file was not read, and on what is assumed of its model."""
        assumed = assumption(self.subject)
        return [
            *(f"{self.weights.source}: {note}" for note in self.weights.notes),
            *([assumed] if assumed else []),
        ]

    def classifier(self, backend: Backend, *, device: str, precision: str = "fp32") -> Classifier:
        """The model on a backend, with these weights, in evaluation mode."""
        model = build(backend, self.subject, precision=precision, device=device)
        backend.set_weights(model, self.fitted(backend.parameter_shapes(model)))
        return Classifier(backend=backend, model=model, device=device, precision=precision)


@dataclass(frozen=True, kw_only=True)
class OwnCheckpoint(OpenCheckpoint):
    """A file of a model of the user's own, MODULE:CALLABLE in a folder."""

    side: str
    source: str
    folder: str

    def classifier(self, backend: Backend, *, device: str, precision: str = "fp32") -> Classifier:
        """The model on a backend, with these weights and buffers, in evaluation mode."""
        spec = ModelSpec(precision=precision, device=device, source=self.source, folder=self.folder)
        model = open_model(backend, spec)
        described = {self.side: backend.describe(model)}
        arrays = dict(WeightsFile(self.weights, described).own(self.side))
        buffers = [name for name in arrays if name.startswith(BUFFER)]
        backend.set_buffers(model, {name.removeprefix(BUFFER): arrays.pop(name) for name in buffers})
        backend.set_weights(model, arrays)
        backend.set_training(model, False)
        return Classifier(backend=backend, model=model, device=device, precision=precision)


def _own_checkpoint(path: Path, side: str, source: str, options: argparse.Namespace) -> OwnCheckpoint:
    if options.model is not None:
        raise UsageError("--model cannot be combined with --torch and --paddle; leave one out")
    if options.num_classes is None or options.resize is None:
        raise UsageError("a model of your own needs --num-classes N and --resize S or H,W")
    if options.map is not None:
        raise UsageError("--map is for backends.convert: the file must have the model's own names here")
    channels = options.channels or 3
    preparation = DataConfig(
        channels=channels,
        resize=options.resize,
        crop=options.crop or 0,
        pad=options.pad or 0,
        mean=of_each_channel(options.mean or (0.0,), channels, flag="--mean"),
        std=of_each_channel(options.std or (1.0,), channels, flag="--std"),
        scale=options.scale or 255.0,
    )
    subject = ModelConfig(
        model=source, num_classes=options.num_classes, channels=channels, options={}, preparation=preparation
    )
    return OwnCheckpoint(
        subject=subject, weights=read_foreign(path), side=side, source=source, folder=str(Path.cwd())
    )


@dataclass(frozen=True, kw_only=True)
class OwnRun(OpenCheckpoint):
    """A checkpoint of ours, of a model of the user's own that was trained."""

    def classifier(self, backend: Backend, *, device: str, precision: str = "fp32") -> Classifier:
        """The model on a backend, with these weights and buffers, in evaluation mode."""
        model = build(backend, self.subject, precision=precision, device=device)
        set_all(backend, model, self.weights.arrays, source=str(self.weights.source))
        return Classifier(backend=backend, model=model, device=device, precision=precision)

    def remarks(self) -> list[str]:
        """A line on a file of the model that has changed since."""
        changed = changed_file(self.subject)
        if changed is None:
            return []
        return [f"{changed} has changed since {self.weights.source} was trained: the model may be another"]


def _own_run(path: Path, options: argparse.Namespace) -> OwnRun | None:
    """The checkpoint of a run on the user's own model; None for any other file."""
    place = checkpoint.locate(path)
    ours = checkpoint.read(place) if place.suffix == ".safetensors" else None
    if ours is None or not ours.subject.own:
        return None
    for name in ABOUT_MODEL:
        if getattr(options, name, None) is not None:
            raise UsageError(f"{place}: knows its model; leave --{name.replace('_', '-')} out")
    given = {name: {"source": getattr(options, name)} for name in NAMES if getattr(options, name, None)}
    kept = {
        name: entry
        for name, entry in ours.subject.own.items()
        if given.get(name, entry)["source"] == entry["source"]
    }
    subject = replace(ours.subject, own={**given, **kept})
    weights = ForeignWeights(source=place, framework=None, arrays=ours.weights)
    return OwnRun(subject=subject, weights=weights)


def open_checkpoint(path: Path, options: argparse.Namespace) -> OpenCheckpoint:
    """The checkpoint in a file or of a run's folder.

    Raises UsageError for flags that do not go with it.
    """
    ran = _own_run(path, options)
    if ran is not None:
        return ran
    backend = getattr(options, "backend", None)
    own = {name: getattr(options, name, None) for name in NAMES}
    if any(own.values()):
        if not own.get(str(backend)):
            raise UsageError(f"--{backend} MODULE:CALLABLE is missing: this command computes with {backend}")
        return _own_checkpoint(path, str(backend), str(own[str(backend)]), options)
    path = checkpoint.locate(path)
    ours = checkpoint.read(path) if path.suffix == ".safetensors" else None
    names = read_map(options.map)
    if ours is not None:
        weights = ForeignWeights(source=path, framework=None, arrays=ours.weights)
        return OpenCheckpoint(
            subject=_completed(weights, ours.subject, options), weights=weights, names=names
        )
    weights = read_foreign(path)
    if options.model is None:
        raise UsageError(
            f"{path}: does not name its model; give --model, one of {', '.join(model_cards.MODELS)}"
        )
    return OpenCheckpoint(subject=_described(weights, vars(options)), weights=weights, names=names)


def _completed(weights: ForeignWeights, subject: ModelConfig, options: argparse.Namespace) -> ModelConfig:
    """Our checkpoint's subject, in which flags may replace what was assumed when it was converted.

    Raises UsageError for a flag that says something else than the checkpoint knows.
    """
    own = flag_values(subject)
    open_names = {*subject.assumed} | ({"crop", "pad"} if "resize" in subject.assumed else set())
    for name in (*ABOUT_MODEL, *ABOUT_IMAGES):
        given = getattr(options, name)
        if given is not None and name not in open_names and given != _comparable(own[name], given):
            raise UsageError(
                f"{weights.source}: was made with {name} {own[name]}, not {given}; "
                f"leave --{name.replace('_', '-')} out"
            )
    if not subject.assumed:
        return subject
    known = {name: value for name, value in own.items() if name not in open_names}
    return replace(_described(weights, vars(options) | known), classes=subject.classes)


def _comparable(own: object, given: object) -> object:
    """One number for all channels, where a flag gives one and all are the same."""
    if isinstance(own, tuple) and isinstance(given, tuple) and len(given) == 1 and len(set(own)) == 1:
        return own[:1]
    return own


def _described(weights: ForeignWeights, flags: Mapping[str, Any]) -> ModelConfig:
    """The subject as the flags describe it.

    Sizes that they leave out are read off the arrays. What else they leave out is assumed, and recorded so.
    """
    model = flags["model"]
    card = model_cards.find(model)
    arrays = list(weights.neutral().values())
    first = next((array for array in arrays if array.ndim == 4), None)
    channels = flags["channels"] or (first.shape[1] if first is not None else card.input_shape[0])
    if any(flags[name] is not None for name in ABOUT_LENET) and model != "lenet5":
        raise UsageError(f"--activation and --pool are options of lenet5, not of {model}")
    if channels not in (1, 3):
        raise UsageError(f"{weights.source}: its first layer has {channels} channels; images have 1 or 3")
    preparation = _preparation(flags, card.input_shape, channels)
    model_cards.require_input(model, preparation.input_shape)
    return ModelConfig(
        model=model,
        num_classes=flags["num_classes"] or _classes(weights, arrays),
        channels=channels,
        options=_lenet_options(flags),
        preparation=preparation,
        assumed=_assumed(flags),
    )


def _classes(weights: ForeignWeights, arrays: list[np.ndarray]) -> int:
    if not arrays[-1].ndim:
        raise UsageError(f"{weights.source}: its last array is a number; give --num-classes, or a --map")
    return len(arrays[-1])


def _lenet_options(flags: Mapping[str, Any]) -> dict[str, Any]:
    options = {name: flags[name] for name in ("activation", "pool") if flags[name] is not None}
    return options | ({"c5_activation": False} if flags["no_c5_activation"] else {})


def _assumed(flags: Mapping[str, Any]) -> tuple[str, ...]:
    """Names of the flags that would say what nobody said."""
    names = [*(ABOUT_LENET if flags["model"] == "lenet5" else ()), "mean", "std", "scale"]
    assumed = [name for name in names if flags[name] is None]
    shaped = any(flags[name] is not None for name in ("resize", "crop", "pad"))
    return (*assumed, *(() if shaped else ("resize",)))


def _preparation(flags: Mapping[str, Any], usual: tuple[int, int, int], channels: int) -> DataConfig:
    pad = flags["pad"] or 0
    return DataConfig(
        channels=channels,
        resize=flags["resize"] or (usual[1] - 2 * pad, usual[2] - 2 * pad),
        crop=flags["crop"] or 0,
        pad=pad,
        mean=of_each_channel(flags["mean"] or (0.0,), channels, flag="--mean"),
        std=of_each_channel(flags["std"] or (1.0,), channels, flag="--std"),
        scale=flags["scale"] or 255.0,
    )
