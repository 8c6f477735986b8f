"""Parity at length: many seeds, batch sizes, steps. Run once in a while, outside the tests.

    python -m benchmarks.parity.evidence lenet5      # every optimizer, 20 steps, batches 1, 2, 16, 20 seeds
    python -m benchmarks.parity.evidence alexnet     # batches 1, 2, 16; 20 seeds of gradients; 20 Adam steps

Each line is one comparison with the worst tensor of each stage; the last says how many passed.
"""

import argparse
import time
from collections.abc import Iterator, Mapping, Sequence
from typing import TYPE_CHECKING, Any

from common import cli, model_cards
from common.flag_values import positive

if TYPE_CHECKING:
    from benchmarks.parity.plan import Plan
    from benchmarks.request.model_pair import ModelPair

PROGRAM = "benchmarks.parity.evidence"
SEEDS, STEPS = 20, 20
BATCHES = (1, 2, 16)


def main(arguments: Sequence[str]) -> int:
    """The command; returns its exit code."""
    parser = cli.Parser(prog=PROGRAM, description="Compare a model over many seeds, batches and steps.")
    parser.add_argument("model", help=", ".join(model_cards.MODELS))
    parser.add_argument(
        "--seeds",
        type=positive,
        default=SEEDS,
        metavar="N",
        help=f"seeds of weights and batches (default {SEEDS})",
    )
    options = parser.parse_args(arguments)
    model_cards.find(options.model)
    verdicts = list(_compare_all(options))
    print(f"{verdicts.count('pass')} of {len(verdicts)} passed")
    return cli.DONE if set(verdicts) <= {"pass"} else cli.FAILED


def _compare_all(options: argparse.Namespace) -> Iterator[str]:
    from benchmarks.manager.scratch import scratch_folder
    from benchmarks.parity.check import both_sides
    from benchmarks.parity.comparison import run_parity

    with scratch_folder() as scratch, both_sides(scratch, timeout=600.0) as sides:
        for subject, plan in _comparisons(options):
            start = time.monotonic()
            report = run_parity(*sides, subject=subject, scratch=scratch, plan=plan, together=True)
            seconds = time.monotonic() - start
            print(
                f"{subject.model} batch {subject.batch_size} seed {subject.seed} steps {plan.steps}: "
                f"{report['verdict']}; {_worst(report)}; {seconds:.0f} s",
                flush=True,
            )
            yield report["verdict"]


def _comparisons(options: argparse.Namespace) -> "Iterator[tuple[ModelPair, Plan]]":
    from benchmarks.parity.plan import GATE, Plan
    from benchmarks.request.model_pair import ModelPair

    card = model_cards.find(options.model)

    def subject(*, seed: int, batch_size: int) -> ModelPair:
        return ModelPair(
            model=options.model,
            num_classes=card.num_classes,
            input_shape=card.input_shape,
            seed=seed,
            batch_size=batch_size,
        )

    if options.model == "lenet5":
        for batch_size in BATCHES:
            for seed in range(options.seeds):
                yield (
                    subject(seed=seed, batch_size=batch_size),
                    Plan(steps=STEPS, optimizers=("sgd", "momentum", "adam", "adamw")),
                )
        return
    for batch_size in BATCHES:
        yield subject(seed=0, batch_size=batch_size), Plan()
    for seed in range(1, options.seeds):
        yield subject(seed=seed, batch_size=1), Plan(stages=GATE)
    long = Plan(stages=("training", "train-mode"), steps=STEPS, optimizers=("adam",))
    yield subject(seed=0, batch_size=2), long


def _worst(report: Mapping[str, Any]) -> str:
    """The worst tensor of each stage that has a tolerance, known roundings as what is left of them."""
    worst = []
    for stage in report["stages"]:
        gaps = [
            tensor["relative_l2"] if tensor["constant"] is None else tensor["reproduced_relative_l2"]
            for tensor in stage["tensors"]
            if "share dropped" not in tensor["name"]
        ]
        if stage["tolerance"] and gaps:
            worst.append(f"{stage['stage']} {max(gaps):.0e}")
        flips = stage.get("flips", {})
        worst += [
            f"{name} flips {sum(entry['flipped'] for entry in entries)} of "
            f"{sum(entry['decisions'] for entry in entries):,}"
            for name, entries in flips.items()
            if entries
        ]
    return ", ".join(worst)


if __name__ == "__main__":
    cli.run(main, program=PROGRAM)
