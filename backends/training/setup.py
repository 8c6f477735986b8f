"""A run put together from flags: at its beginning, or where it was."""

import argparse
import sys
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from backends.training import initial_weights
from backends.training.flags import resumed_recipe
from backends.training.learner import Learner
from backends.training.loop import Loop
from backends.training.process_team import Team
from backends.training.splits import Parts, class_names, fingerprint, open_data
from common.cli import UsageError
from common.model_cards import require_input
from common.training.recipes import Recipe
from common.training.run_folder import CLASSES, RECIPE, RunFolder
from common.weights.checkpoint import Checkpoint, Subject
from common.weights.name_map import read_map


def assemble(
    options: argparse.Namespace, recipe: Recipe, folder: RunFolder, state: Checkpoint | None, team: Team
) -> Loop:
    """The loop that the flags ask for; ``state`` is the run's last one, if it has one."""
    if state is not None:
        recipe = resumed_recipe(options, Recipe.from_json(state.run["recipe"]))
    parts = open_data(recipe, options.data)
    facts = {"data": fingerprint(parts), "shared_masks": options.shared_masks}
    team.require_agreement({"recipe": recipe.to_json(), **facts})
    loaded = None
    if state is not None:
        _require_same_run(options.output, facts, state)
        subject = state.subject
    else:
        if options.weights is not None:
            loaded = initial_weights.load(options.weights, names=read_map(options.map))
        subject = initial_weights.with_body(_subject(recipe, parts), recipe, loaded)
    learner = Learner(
        team.backend,
        recipe,
        subject,
        device=team.device,
        shared_masks=options.shared_masks,
        member=team.member,
    )
    loop = Loop(
        learner,
        subject,
        parts,
        folder,
        team=team,
        facts=facts,
        workers=options.workers,
        strict=options.strict,
        save_every=options.save_every,
        cache_bytes=options.cache << 20,
    )
    if state is None:
        print(initial_weights.begin(learner, subject, loaded))
    else:
        loop.resume(state)
        print(f"going on after epoch {loop.epoch}, batch {loop.batch}")
    folder.write_json(CLASSES, {str(label): name for label, name in enumerate(subject.classes or ())})
    folder.write_json(RECIPE, _record(options, recipe, team))
    return loop


def _subject(recipe: Recipe, parts: Parts) -> Subject:
    names = class_names(parts)
    require_input(recipe.model, recipe.preparation.input_shape)
    return Subject(
        model=recipe.model,
        num_classes=len(names),
        channels=recipe.preparation.channels,
        options=recipe.options,
        classes=names,
        preparation=recipe.preparation,
    )


def _require_same_run(output: Path, facts: Mapping[str, Any], state: Checkpoint) -> None:
    for name, value in facts.items():
        if state.run[name] != value:
            raise UsageError(
                f"{output}: began with {name} {state.run[name]}, now it is {value}: give what the run began "
                f"with, or name another --output"
            )


def _record(options: argparse.Namespace, recipe: Recipe, team: Team) -> dict[str, Any]:
    """What recipe.json says: every value that was used, and where it came from."""
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
