"""A run put together from flags: at its beginning, or where it was."""

import argparse
import logging
import sys
from collections.abc import Mapping
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import numpy as np

from backends.inference.classifier import split_head
from backends.inference.own_model import backend_name, changed_file, recorded
from backends.training.flags import own_sources, resumed_recipe
from backends.training.learner import Learner
from backends.training.loop import Loop
from backends.training.process_team import ProcessTeam
from backends.training.scores import Reading
from backends.training.splits import Splits, class_names, divided, fingerprint
from common.cli import UsageError
from common.model_cards import require_input
from common.runtime.devices import available_cores
from common.training.recipes import Recipe
from common.training.run_folder import CLASSES, RECIPE, RunFolder
from common.weights import checkpoint, initialization
from common.weights.checkpoint import Checkpoint, ModelConfig
from common.weights.described_file import WeightsFile
from common.weights.external import ForeignWeights, read_foreign
from common.weights.map_lines import Names, map_line, read_map
from common.weights.name_map import fit, linked

logger = logging.getLogger(__name__)


def assemble(
    options: argparse.Namespace,
    recipe: Recipe,
    folder: RunFolder,
    state: Checkpoint | None,
    team: ProcessTeam,
    *,
    data: Splits,
) -> Loop:
    """The loop that the flags ask for.

    ``data`` are the splits as they were found. ``state`` is the last state of a run to go on with.
    """
    if state is not None:
        recipe = resumed_recipe(options, Recipe.from_json(state.run["recipe"]))
    # The data, which a run that goes on must find as they were.
    splits = divided(recipe, data)
    facts = {"data": fingerprint(splits), "shared_masks": options.shared_masks}
    team.require_agreement(_alike_in_all(options, recipe, facts))
    if state is not None:
        _require_same_run(options.output, facts, state)
        _require_epochs_left(options, recipe, state)
    # The model: as the run has it, else as recipe, data and --weights say.
    loaded = None
    if state is None and options.weights is not None:
        loaded = load(options.weights, names=read_map(options.map))
    own = own_sources(options)
    if state is not None:
        subject = _as_it_was(options.output, state.subject, own)
    else:
        subject = with_body(_subject(recipe, splits, own), recipe, loaded)
    where: dict[str, Any] = {"device": team.device, "member": team.member}
    learner = Learner(team.backend, recipe, subject, shared_masks=options.shared_masks, **where)
    if subject.own:
        subject = recorded(subject, team.backend)
    reading = Reading(workers=_workers(options, team), cache_bytes=options.cache << 20, strict=options.strict)
    how: dict[str, Any] = {"reading": reading, "save_every": options.save_every}
    loop = Loop(learner, subject, splits, folder, team=team, facts=facts, **how)
    # Its weights, and the files that describe the run.
    if state is None:
        print(begin(learner, subject, loaded))
    else:
        loop.resume(state)
        print(f"going on after epoch {loop.epoch}, batch {loop.batch}")
    folder.write_json(CLASSES, {str(label): name for label, name in enumerate(subject.classes or ())})
    folder.write_json(RECIPE, _record(options, recipe, team))
    return loop


def _workers(options: argparse.Namespace, team: ProcessTeam) -> int:
    """Threads that decode: this process's part of the machine's cores, if no number was given."""
    if options.workers is not None:
        return int(options.workers)
    return max(available_cores() // team.member.local_ranks, 1)


def _alike_in_all(options: argparse.Namespace, recipe: Recipe, facts: Mapping[str, Any]) -> dict[str, Any]:
    """Whatever decides when the processes of a run send each other something: they have to do so together."""
    turns = {"save_every": options.save_every, "strict": options.strict}
    return {"recipe": recipe.to_json(), **facts, **turns}


def _as_it_was(output: Path, subject: ModelConfig, own: Mapping[str, Any]) -> ModelConfig:
    """The subject of a run that goes on, perhaps on the other backend. UsageError for another model."""
    for name, entry in own.items():
        before = subject.own.get(name)
        if not subject.own or (before and before["source"] != entry["source"]):
            was = before["source"] if before else subject.model
            raise UsageError(f"{output}: began with {was}, not {entry['source']}; name another --output")
    changed = changed_file(subject)
    if changed is not None:
        raise UsageError(f"{output}: {changed} has changed since; put it back, or name another --output")
    return replace(subject, own={**own, **subject.own})


def _subject(recipe: Recipe, splits: Splits, own: Mapping[str, Any]) -> ModelConfig:
    names = class_names(splits)
    if not own:
        require_input(recipe.model, recipe.preparation.input_shape)
    return ModelConfig(
        model=recipe.model,
        num_classes=len(names),
        channels=recipe.preparation.channels,
        options=recipe.options,
        classes=names,
        preparation=recipe.preparation,
        own=own,
    )


def _require_epochs_left(options: argparse.Namespace, recipe: Recipe, state: Checkpoint) -> None:
    """Raise UsageError if a changed recipe would not be trained with, and so would be recorded falsely."""
    done, before = state.run["epoch"], Recipe.from_json(state.run["recipe"])
    if recipe != before and done >= recipe.epochs:
        raise UsageError(
            f"{options.output}: has {done} epochs already, so nothing would be trained; give --epochs above "
            f"{done}, or leave the changed flags out"
        )


def _require_same_run(output: Path, facts: Mapping[str, Any], state: Checkpoint) -> None:
    for name, value in facts.items():
        if state.run[name] != value:
            raise UsageError(
                f"{output}: began with {name} {state.run[name]}, now it is {value}: give what the run began "
                f"with, or name another --output"
            )


def _record(options: argparse.Namespace, recipe: Recipe, team: ProcessTeam) -> dict[str, Any]:
    """Content of recipe.json: every value that was used, and where it came from."""
    return {
        **recipe.to_json(),
        "published": options.published,
        "backend": options.backend,
        "device": team.device,
        "processes": team.member.ranks,
        "threads": team.threads,
        "data": None if options.data is None else str(options.data),
        "weights": None if options.weights is None else str(options.weights),
        "shared_masks": options.shared_masks,
        "command": sys.argv[1:],
    }


WITH_HEAD_BEHIND = "alexnet"  # the model that can keep a last layer and have another one behind it


@dataclass(frozen=True, kw_only=True)
class Loaded:
    """Weights to begin with; ``names`` maps the model's names to the file's."""

    weights: ForeignWeights
    names: Names | None = None
    classes: tuple[str, ...] | None = None


def load(path: Path, *, names: Names | None) -> Loaded:
    """Weights in a file of any kind, or the best ones of a run's folder."""
    path = checkpoint.locate(path)
    ours = checkpoint.read(path) if path.suffix == ".safetensors" else None
    if ours is None:
        return Loaded(weights=read_foreign(path), names=names)
    weights = ForeignWeights(source=path, framework=None, arrays=ours.weights)
    return Loaded(weights=weights, names=names, classes=ours.subject.classes)


def with_body(subject: ModelConfig, recipe: Recipe, loaded: Loaded | None) -> ModelConfig:
    """The subject whose model keeps the loaded last layer, where the recipe says ``append``."""
    if recipe.head != "append":
        return subject
    if subject.model != WITH_HEAD_BEHIND:
        raise UsageError(f"--head append is for {WITH_HEAD_BEHIND}, not for {subject.model}; use replace")
    if loaded is None:
        raise UsageError("--head append puts a layer behind loaded weights; give --weights FILE")
    last = list(loaded.weights.neutral().values())[-1]
    return replace(subject, options={**subject.options, "body_classes": len(last)})


def begin(learner: Learner, subject: ModelConfig, loaded: Loaded | None) -> str:
    """Give the learner its first weights; says what they are."""
    recipe = learner.recipe
    if subject.own:
        return _begin_own(learner, loaded)
    drawn = initialization.draw(recipe.initial, learner.shapes, seed=recipe.seed)
    if loaded is None:
        learner.backend.set_weights(learner.model, drawn)
        return f"initial values: {recipe.initial}, seed {recipe.seed}"
    keep = _keeps_head(learner, subject, loaded)
    taken = _fitted(learner, loaded, keep_head=keep)
    learner.backend.set_weights(learner.model, drawn | taken)
    head = "kept" if keep else f"drawn: {recipe.initial}, seed {recipe.seed}"
    for note in loaded.weights.notes:
        logger.warning("%s: %s", loaded.weights.source, note)
    return f"weights of {loaded.weights.source}; last layer {head}"


def _begin_own(learner: Learner, loaded: Loaded | None) -> str:
    """A model of the user's own has the values that it came with, or a file's under its own names."""
    if loaded is None:
        return f"initial values: the model's own, seed {learner.recipe.seed}"
    source, arrays = loaded.weights.source, loaded.weights.arrays
    if not set(learner.shapes) <= set(arrays) or loaded.weights.framework is not None:
        name = backend_name(learner.backend)
        described = {name: learner.backend.describe(learner.model)}
        arrays = dict(WeightsFile(loaded.weights, described).own(name))
    learner.load(arrays, source=str(source))
    return f"weights of {source}"


def _keeps_head(learner: Learner, subject: ModelConfig, loaded: Loaded) -> bool:
    """True if the loaded last layer has the same classes, as far as one can see."""
    if learner.recipe.head != "fit":
        return False
    same = loaded.classes is None or loaded.classes == subject.classes
    return same and len(list(loaded.weights.neutral().values())[-1]) == subject.num_classes


def _fitted(learner: Learner, loaded: Loaded, *, keep_head: bool) -> dict[str, np.ndarray]:
    """The loaded arrays by the model's names: without the file's last layer if that is replaced."""
    if keep_head:
        return fit(loaded.weights, learner.shapes, names=loaded.names)
    body, head = split_head(list(learner.shapes))
    arrays, links = dict(loaded.weights.arrays), []
    if loaded.names is not None:
        links = linked(loaded.weights, learner.shapes, names=loaded.names)
    if learner.recipe.head != "append":
        mapped = [link for link in links if {*link.ours} <= {*head}]
        named = [own for link in mapped for own in link.theirs]
        named += [name for name in head if not any(name in link.ours for link in mapped)]
        # Under other names it is the last one, as in every model here.
        for name in named if all(name in arrays for name in named) else list(arrays)[-len(head) :]:
            del arrays[name]
    shapes = {name: learner.shapes[name] for name in body}
    names = loaded.names and dict(map_line(link) for link in links if {*link.ours} <= {*body})
    return fit(replace(loaded.weights, arrays=arrays), shapes, names=names)
