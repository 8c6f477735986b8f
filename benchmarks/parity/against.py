"""Flags of the comparison of two versions of one framework, and what they ask for."""

import argparse
from collections.abc import Sequence
from pathlib import Path
from typing import Any

from backends import NAMES
from benchmarks.parity.plan import EXCHANGED, INCOMPLETE, ORDER, Plan
from benchmarks.request.model_pair import ModelPair
from benchmarks.request.own_pair import shipped_pair
from benchmarks.request.request import read_size
from benchmarks.request.sources import require_source
from common import cli
from common.cli import Group, UsageError
from common.shipped import shipped_name

LOWER = ("float32", "bfloat16")  # a ReLU's flips, which explain gaps there, are counted in torch alone
NEEDED = ("parameters", EXCHANGED, "forward", "loss", "gradients")
FOR_TWO = ("map", "inputs", "plot")  # flags that say something of torch against paddle
EACH = ("loss", "optimizer", "data", "metric")


def add_version_flags(group: Group) -> None:
    """--backend and --against."""
    group.add_argument("--backend", choices=NAMES, help="the framework whose versions are compared")
    group.add_argument(
        "--against",
        metavar="PYTHON",
        help="an interpreter, or its environment's folder, with another version of --backend",
    )


def compare_versions(options: argparse.Namespace, *, program: str) -> int:
    """The command where --against is given; returns its exit code."""
    subject, stages = _subject(options), stages_of(options.stages)
    # Imported here and not above: they take longer than --help may.
    from benchmarks.parity import versions
    from benchmarks.results import result_file

    place = versions.other_version(options.backend, options.against)
    how = {"strict": options.strict, "equal_nan": options.equal_nan}
    plan = Plan(stages=stages, steps=options.steps, optimizers=options.optimizer, **how)
    report = versions.check_versions(
        subject, plan, place=place, device=options.device, timeout=options.timeout
    )
    if options.json:
        result_file.write(versions.as_json(report, subject, place=options.against), options.json)
    print(versions.text_of(report, subject, place=options.against))
    if report["verdict"] == "pass":
        return cli.DONE
    cli.complain(program, versions.failure_of(report, subject))
    codes = {"fail": cli.FAILED, INCOMPLETE: cli.UNAVAILABLE}
    return codes.get(report["verdict"], cli.WRONG_REQUEST)


def stages_of(asked: Sequence[str]) -> tuple[str, ...]:
    """The stages to run. Raises UsageError for one that versions are not compared in."""
    refused = [stage for stage in asked if stage in LOWER]
    if refused:
        raise UsageError(f"--stages {refused[0]}: versions are compared in float64; leave it out")
    return tuple(stage for stage in ORDER if stage not in LOWER and (not asked or stage in {*asked, *NEEDED}))


def _subject(options: argparse.Namespace) -> ModelPair:
    """The model, as both sides of a pair."""
    backend = options.backend
    if not (backend and options.against):
        raise UsageError("--backend NAME and --against PYTHON go together: which framework, and which other")
    (other,) = set(NAMES) - {backend}
    for name in [other, *FOR_TWO, *(f"{other}_{role}" for role in EACH)]:
        if getattr(options, name):
            raise UsageError(f"--{name.replace('_', '-')} has no meaning beside --against: leave it out")
    how = {"seed": options.seed, "batch_size": options.batch_size, "folder": str(Path.cwd())}
    how |= {"framework": backend, "output": options.output or ""}
    source = getattr(options, backend)
    plugins = {role: getattr(options, f"{backend}_{role}") for role in EACH}
    plugins = {role: text for role, text in plugins.items() if text}
    for text in (source, *plugins.values()):
        if text:
            require_source(text, backend=backend, folder=Path.cwd())
    how |= {"plugins": dict.fromkeys(NAMES, plugins)}
    network = shipped_name(options.model)
    if network is not None:
        pair = shipped_pair(network, options)
        return ModelPair(**pair | how | {"sources": dict.fromkeys(NAMES, pair["sources"][backend])})
    if bool(source) == bool(options.model):
        raise UsageError(f"give --model NAME, or --{backend} MODULE:CALLABLE")
    if not source:
        num_classes, own = read_size(options)
        return ModelPair(model=options.model, num_classes=num_classes, input_shape=own, **how)
    shape: Any = options.input_shape or (options.input[0].shape if options.input else ())
    if not (shape and options.num_classes):
        raise UsageError("a model of your own needs --input-shape C,H,W (or --input) and --num-classes N")
    sources = dict.fromkeys(NAMES, source)
    size = {"num_classes": options.num_classes, "input_shape": shape, "inputs": tuple(options.input)}
    return ModelPair(sources=sources, **size, **how)
