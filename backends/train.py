"""Train a recipe on a backend: python -m backends.train --backend torch --recipe digits --output runs/digits.

The run's folder receives best.safetensors, last.safetensors, class_indices.json, history.json, curves.png,
recipe.json and, where there is a test split, test.json.
"""

import argparse
import logging
from collections.abc import Sequence
from typing import TYPE_CHECKING

from backends.launch import in_own_interpreter
from backends.training.flags import chosen_recipe, parse
from common import cli
from common.cli import UsageError
from common.files import require_folder
from common.runtime.distributed import launched_rank
from common.terminal import configure_logging

if TYPE_CHECKING:
    from backends.training.loop import Loop
    from backends.training.process_team import ProcessTeam
    from backends.training.splits import Splits
    from common.training.recipes import Recipe
    from common.training.run_folder import RunFolder

PROGRAM = "backends.train"


def main(arguments: Sequence[str]) -> int:
    """The command; returns its exit code."""
    options = parse(PROGRAM, list(arguments))
    recipe = chosen_recipe(options)
    in_own_interpreter(options.backend, PROGRAM, arguments)
    configure_logging(PROGRAM)
    # Imported here and not above: they take longer than --help may.
    from backends.training.splits import read_data

    # What can be wrong with folder and data shows before a framework is imported.
    if launched_rank():  # the first process tells what is to be said of the data
        logging.getLogger("common.dataset").setLevel(logging.ERROR)
    else:
        require_folder(options.output)
    data = read_data(recipe, options.data, strict=options.strict)
    from backends.training.loop import TrainingFailedError
    from backends.training.process_team import gather
    from common.training.run_folder import RunFolder

    try:
        team = gather(options.backend, device=options.device, threads=options.threads)
        folder = RunFolder(options.output, writes=team.member.is_first)
        with team.together(), folder.claimed():
            _train(options, recipe, folder, team, data=data)
    except TrainingFailedError as error:
        cli.complain(PROGRAM, error)
        return cli.FAILED
    return cli.DONE


def _train(
    options: argparse.Namespace, recipe: "Recipe", folder: "RunFolder", team: "ProcessTeam", *, data: "Splits"
) -> None:
    from backends.training.display import Curves, EpochBar, layer_table
    from backends.training.setup import assemble
    from common.training.recipes import TRANSFER

    state = folder.last(team.checkpoint)
    if state is not None and not options.resume:
        raise UsageError(
            f"{options.output}: holds a run already; go on with --resume, or name another folder"
        )
    if state is None and options.resume and team.member.is_first:
        cli.complain(PROGRAM, f"{options.output} holds no run yet: beginning one")
    loop = assemble(options, recipe, folder, state, team, data=data)
    if state is None and options.weights is None and recipe.name in TRANSFER and team.member.is_first:
        cli.complain(PROGRAM, f"{recipe.name} begins anew; its recipe is meant to go on from --weights FILE")
    print(layer_table(loop.learner.backend, loop.learner.model, loop.subject, device=loop.learner.device))
    print(_title(loop), flush=True)
    curves = Curves(folder)
    with EpochBar(loop) as bar, cli.noting_on_stop(lambda: _how_to_go_on(loop, options)):
        for epoch in loop.epochs():
            for mean_loss, rate in epoch:
                bar.show_update(mean_loss, rate)
            bar.show_epoch(loop.rows()[-1], waiting_share=loop.waiting_share)
            curves.update(loop.rows())
    curves.draw(loop.rows())
    _finish(loop, folder)


def _how_to_go_on(loop: "Loop", options: argparse.Namespace) -> str:
    saved = f"epochs 1 to {loop.epoch} are saved" if loop.epoch else "no epoch is complete yet"
    return f"{saved}; the same command with --resume goes on in {options.output}"


def _title(loop: "Loop") -> str:
    recipe = loop.recipe
    sizes = ", ".join(f"{len(index):,} {split}" for split, index in loop.splits.items())
    team, steps = loop.team, f"batch {recipe.batch_size}"
    if recipe.accumulate > 1:
        steps += f" x {recipe.accumulate}"
    if team.member.ranks > 1:
        steps += f" over {team.member.ranks} processes, {team.threads} threads each"
    return (
        f"{recipe.name} on {team.device}: {sizes} images, {loop.subject.num_classes} classes; "
        f"{recipe.optimizer} {recipe.learning_rate:g}, {recipe.schedule}, {steps}, {recipe.epochs} epochs, "
        f"{recipe.precision}"
    )


def _finish(loop: "Loop", folder: "RunFolder") -> None:
    """Print the best epoch, and evaluate its weights once on the test split."""
    from common.training.run_folder import TEST, best_row
    from common.weights import checkpoint

    best = best_row(loop.history)
    if best is None:
        return
    split = "valid" if best["valid_accuracy"] is not None else "train"
    print(f"best: epoch {best['epoch']}, {split} accuracy {best[f'{split}_accuracy']:.2%}")
    weights = loop.team.checkpoint(folder.path / checkpoint.BEST)
    if "test" in loop.splits and weights is not None:
        loop.learner.backend.set_weights(loop.learner.model, weights.weights)
        scores = loop.validation.score("test")
        assert scores is not None
        folder.write_json(TEST, scores.to_json(loop.subject.classes or ()))
        print(f"test: top-1 error {scores.top1.value:.2%}, top-5 error {scores.top5.value:.2%}")


if __name__ == "__main__":
    cli.run(main, program=PROGRAM)
