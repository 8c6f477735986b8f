"""What a run begins with: drawn values, or somebody's weights with a new head."""

from collections.abc import Mapping
from dataclasses import dataclass, replace
from pathlib import Path

import numpy as np

from backends.inference.classifier import split_head
from backends.training.learner import Learner
from common.cli import UsageError
from common.training.recipes import Recipe
from common.weights import checkpoint, initialization
from common.weights.checkpoint import Subject
from common.weights.external import ForeignWeights, read_foreign
from common.weights.name_map import fit

WITH_HEAD_BEHIND = "alexnet"  # the model that can keep a last layer and have another one behind it


@dataclass(frozen=True, kw_only=True)
class Loaded:
    """Weights to begin with; ``names`` maps the model's names to the file's."""

    weights: ForeignWeights
    names: Mapping[str, str] | None = None
    classes: tuple[str, ...] | None = None


def load(path: Path, *, names: Mapping[str, str] | None) -> Loaded:
    """Weights in a file of any kind, or the best ones of a run's folder."""
    path = checkpoint.locate(path)
    ours = checkpoint.read(path) if path.suffix == ".safetensors" else None
    if ours is None:
        return Loaded(weights=read_foreign(path), names=names)
    weights = ForeignWeights(source=path, framework=None, arrays=ours.weights)
    return Loaded(weights=weights, names=names, classes=ours.subject.classes)


def with_body(subject: Subject, recipe: Recipe, loaded: Loaded | None) -> Subject:
    """The subject whose model keeps the loaded last layer, where the recipe says ``append``."""
    if recipe.head != "append":
        return subject
    if subject.model != WITH_HEAD_BEHIND:
        raise UsageError(f"--head append is for {WITH_HEAD_BEHIND}, not for {subject.model}; use replace")
    if loaded is None:
        raise UsageError("--head append puts a layer behind loaded weights; give --weights FILE")
    last = list(loaded.weights.neutral().values())[-1]
    return replace(subject, options={**subject.options, "body_classes": len(last)})


def begin(learner: Learner, subject: Subject, loaded: Loaded | None) -> str:
    """Give the learner its first weights; says what they are."""
    recipe = learner.recipe
    drawn = initialization.draw(recipe.initial, learner.shapes, seed=recipe.seed)
    if loaded is None:
        learner.backend.set_weights(learner.model, drawn)
        return f"initial values: {recipe.initial}, seed {recipe.seed}"
    keep = _keeps_head(learner, subject, loaded)
    taken = _fitted(learner, loaded, keep_head=keep)
    learner.backend.set_weights(learner.model, drawn | taken)
    head = "kept" if keep else f"drawn: {recipe.initial}, seed {recipe.seed}"
    return f"weights of {loaded.weights.source}; last layer {head}"


def _keeps_head(learner: Learner, subject: Subject, loaded: Loaded) -> bool:
    """Whether the loaded last layer tells the same classes apart, as far as one can see."""
    if learner.recipe.head != "fit":
        return False
    same = loaded.classes is None or loaded.classes == subject.classes
    return same and len(list(loaded.weights.neutral().values())[-1]) == subject.num_classes


def _fitted(learner: Learner, loaded: Loaded, *, keep_head: bool) -> dict[str, np.ndarray]:
    """The loaded arrays by the model's names: without the file's last layer if that is replaced."""
    if keep_head:
        return fit(loaded.weights, learner.shapes, names=loaded.names)
    body, head = split_head(list(learner.shapes))
    arrays = dict(loaded.weights.arrays)
    if learner.recipe.head != "append":
        named = [(loaded.names or {}).get(name, name) for name in head]
        # Under other names it is the last one, as in every model here.
        for name in named if all(name in arrays for name in named) else list(arrays)[-len(head) :]:
            del arrays[name]
    shapes = {name: learner.shapes[name] for name in body}
    names = loaded.names and {name: loaded.names[name] for name in body if name in loaded.names}
    return fit(replace(loaded.weights, arrays=arrays), shapes, names=names)
