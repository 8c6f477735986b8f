"""Train a recipe on both backends, with several seeds, and say whether the accuracies differ.

    python -m benchmarks.train --recipe digits --seeds 3 --output compared
    python -m benchmarks.train --recipe mnist --data MNIST --output compared -- --model lenet5 --epochs 5

What follows ``--`` goes to backends.train. Runs that are there already are kept, cut-off ones go on.
"""

import argparse
import os
from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

from backends import NAMES
from benchmarks.request.model_flags import add_own_pair_flags
from benchmarks.request.model_pair import ModelPair
from benchmarks.request.own_pair import read_own_pair
from common import cli
from common.cli import UnavailableError, UsageError
from common.files import require_writable
from common.flag_values import number, positive, seconds, shape
from common.json_text import write_json
from common.runtime.devices import available_cores
from common.training.recipes import RECIPES
from common.weights.checkpoint import LAST

if TYPE_CHECKING:
    from benchmarks.measure.training_runs import Run

OWN = ("--torch", "--paddle", "--input-shape", "--map")
PROGRAM = "benchmarks.train"
MOST_SEEDS = 1000
OURS = (
    "--backend",
    "--recipe",
    "--data",
    "--output",
    "--seed",
    "--resume",
    "--threads",
    "--torch",
    "--paddle",
)


def main(arguments: Sequence[str]) -> int:
    """The command; returns its exit code."""
    options = _parse(arguments)
    if options.json:
        require_writable(options.json)
    if (options.output / LAST).exists():
        raise UsageError(f"{options.output}: is one run itself; name a folder for all runs")
    pair = _own_pair(options)
    # Imported here and not above: they take longer than --help may.
    from benchmarks.measure.equal_starts import UnequalError, write_starts
    from benchmarks.measure.training_runs import TrainingPlan, compare, run_all

    seeds = tuple(range(options.seeds))
    if pair is not None:
        try:
            write_starts(pair, options.output.absolute(), seeds=seeds, timeout=options.timeout)
        except UnequalError as error:
            cli.complain(PROGRAM, error)
            return cli.FAILED
    order = TrainingPlan(
        recipe=options.recipe,
        data=options.data and options.data.absolute(),
        output=options.output.absolute(),
        seeds=seeds,
        threads=options.threads,
        more=tuple(options.more),
        sources=pair.sources if pair else {},
        folder=Path(pair.folder) if pair else Path.cwd(),
        input_shape=pair.input_shape if pair else (),
    )
    runs = run_all(order)
    finished = [run for run in runs if run.reason is None]
    if {run.backend for run in finished} != set(NAMES):
        failed = next(run for run in runs if run.reason is not None)
        raise UnavailableError(f"{failed.backend}, seed {failed.seed}: {failed.reason}")
    comparison = compare(runs, target=options.target)
    _draw(finished, options.output / "curves.png")
    if options.json:
        write_json(options.json, _report(options, runs, comparison))
    _print_comparison(options, runs, comparison)
    return cli.DONE


def _own_pair(options: argparse.Namespace) -> "ModelPair | None":
    """The pair of the user's own; None where the recipe's model is trained."""
    if not (options.torch or options.paddle):
        for flag in ("map", "input_shape", "num_classes"):
            if getattr(options, flag) is not None:
                raise UsageError(f"--{flag.replace('_', '-')} belongs to --torch and --paddle")
        return None
    found = read_own_pair(argparse.Namespace(**vars(options), model=None))
    assert found is not None
    names = ("model", "num_classes", "input_shape", "sources", "names", "folder")
    return ModelPair(**{name: found[name] for name in names})


def _report(options: argparse.Namespace, runs: Sequence["Run"], comparison: dict[str, Any]) -> dict[str, Any]:
    from benchmarks.manager.environment import describe

    return {
        "schema_version": 1,
        "environment": describe(os.environ, {}),
        "recipe": options.recipe,
        "threads": options.threads,
        "more": options.more,
        "runs": [run.to_json() for run in runs],
        **comparison,
    }


def _draw(runs: Sequence["Run"], path: Path) -> None:
    """The mean curves of both backends in one picture."""
    from benchmarks.measure.training_runs import mean_history
    from common.plots import draw_curves

    draw_curves({name: mean_history([r for r in runs if r.backend == name]) for name in NAMES}, path)


def _print_comparison(options: argparse.Namespace, runs: Sequence["Run"], comparison: dict[str, Any]) -> None:
    from tabulate import tabulate

    rows = [
        (
            run.backend,
            run.seed,
            f"{run.accuracy:.2%}" if run.reason is None else run.reason,
            "-" if seconds is None else f"{seconds:.1f}",
        )
        for run, seconds in zip(runs, comparison["seconds_to_target"], strict=True)
    ]
    target = comparison["target"]
    headers = ("backend", "seed", f"{comparison['part']} accuracy", f"seconds to {target:.2%} valid")
    print(tabulate(rows, headers=headers, disable_numparse=True))
    for name in NAMES:
        print(f"{name}: {_interval(comparison['accuracy'][name])}")
    print(f"difference, paddle - torch: {_interval(comparison['difference'])}: {comparison['verdict']}")
    print(f"{options.recipe}, {options.threads} threads; curves in {options.output / 'curves.png'}")


def _interval(value: dict[str, Any]) -> str:
    if value["ci95"] is None:
        return f"{value['mean']:.2%} (one seed: no interval)"
    low, high = value["ci95"]
    return f"{value['mean']:.2%} (95 % interval {low:.2%} to {high:.2%})"


def _parse(arguments: Sequence[str]) -> argparse.Namespace:
    given, more = list(arguments), []
    if "--" in given:
        given, more = given[: given.index("--")], given[given.index("--") + 1 :]
    parser = cli.Parser(prog=PROGRAM, description="Train on both backends and compare what they reach.")
    parser.add_argument("--recipe", required=True, choices=tuple(RECIPES), help="what is trained, and how")
    parser.add_argument("--data", type=Path, metavar="PATH", help="as for backends.train")
    parser.add_argument("--output", type=Path, required=True, metavar="DIR", help="folder of all runs")
    parser.add_argument(
        "--seeds",
        type=number(int, least=1, most=MOST_SEEDS),
        default=3,
        metavar="N",
        help="runs of each backend (default 3)",
    )
    parser.add_argument(
        "--target",
        type=float,
        metavar="X",
        help="report the time to this validation accuracy (default: the lowest best one of all runs)",
    )
    parser.add_argument(
        "--threads",
        type=positive,
        default=available_cores(),
        metavar="N",
        help="threads per process (default: all cores)",
    )
    parser.add_argument("--json", type=Path, metavar="FILE", help="write runs and verdict there")
    own = parser.add_argument_group("a pair of your own, in the place of the recipe's model")
    add_own_pair_flags(own, weights=False)
    own.add_argument(
        "--num-classes", type=positive, metavar="N", help="classes of the models, and of the data"
    )
    own.add_argument("--input-shape", type=shape, metavar="C,H,W", help="of one image")
    timeout = "seconds that the proof may take for a request (default 600)"
    own.add_argument("--timeout", type=seconds, default=600.0, metavar="S", help=timeout)
    options = parser.parse_args(given)
    for flag in more:
        if flag in OURS:
            raise UsageError(f"{flag} behind --: that is this command's own; give it before")
    options.more = more
    return options


if __name__ == "__main__":
    cli.run(main, program=PROGRAM)
