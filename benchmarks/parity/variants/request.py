"""What ``--pairs`` asks for: every variant of the file, checked as far as that goes without a framework."""

import argparse
from collections.abc import Sequence
from dataclasses import replace
from shlex import quote
from typing import Any

from benchmarks.parity.plan import Plan, with_needed
from benchmarks.parity.variants.compare import Wanted
from benchmarks.parity.variants.pictures import read_images
from benchmarks.request.pairs_file import read_pairs
from benchmarks.request.request import Request
from common.cli import UsageError

# What is asked of every variant unless --stages says otherwise; float32 always, for the page is about it.
STAGES = ("repeat", "train-mode", "float32")
NOT_TIMED = {"phase": ("infer",), "settings_mode": Request.settings_mode}  # flags of what is measured
UNSET = ("engine", "precision", "layout", "threads", "processes", "weights")


def read_wanted(options: argparse.Namespace) -> list[Wanted]:
    """Every variant of the file of pairs. Raises UsageError."""
    _refuse_one_pair(options)
    flags: dict[str, Any] = dict.fromkeys(UNSET) | NOT_TIMED
    flags |= vars(options) | {"batch_size": (options.batch_size,), "torch": None, "paddle": None, "map": None}
    del flags["steps"]  # of training here, of phase soak there
    requests = read_pairs(str(options.pairs), argparse.Namespace(**flags), only=options.only)
    images = read_images(options.images) if options.images else None
    return [
        Wanted(
            name=name,
            subject=replace(request.pair, weights=request.weights, batch_size=options.batch_size),
            images=images,
        )
        for name, request in requests.items()
    ]


def read_plan(options: argparse.Namespace) -> Plan:
    """The stages that every variant goes through."""
    stages = with_needed((*(options.stages or STAGES), "float32"))
    optimizers: Sequence[str] = options.optimizer or ("adam",)
    how = {"strict": options.strict, "equal_nan": options.equal_nan}
    return Plan(stages=stages, steps=options.steps, optimizers=optimizers, **how)


def request_facts(options: argparse.Namespace, plan: Plan) -> dict[str, Any]:
    """The request as the page and its JSON have it."""
    return {
        "pairs": str(options.pairs),
        "images": str(options.images) if options.images else None,
        "speed": str(options.speed) if options.speed else None,
        "stages": list(plan.stages),
        "batch_size": options.batch_size,
        "seed": options.seed,
        "strict": plan.strict,
        "equal_nan": plan.equal_nan,
        "command": _command(options),
    }


def _command(options: argparse.Namespace) -> str:
    """The command that makes the page again."""
    given: dict[str, Any] = {
        "--pairs": options.pairs,
        "--only": ",".join(options.only),
        "--images": options.images,
        "--report": options.report,
        "--stages": ",".join(options.stages),
        "--input-shape": ",".join(map(str, options.input_shape or ())),
        "--speed": options.speed,
        "--optimizer": ",".join(options.optimizer),
        "--language": "" if options.language == "en" else options.language,
    }
    words = [f"{flag} {quote(str(value))}" for flag, value in given.items() if value]
    words += [f"--batch-size {options.batch_size}", f"--seed {options.seed}", f"--steps {options.steps}"]
    words += [f"--{name.replace('_', '-')}" for name in ("strict", "equal_nan") if getattr(options, name)]
    return " ".join(["python -m benchmarks.parity", *words])


def _refuse_one_pair(options: argparse.Namespace) -> None:
    """Raise UsageError for flags of a single pair beside --pairs, and for a page without a folder."""
    single = ("model", "torch", "paddle", "map", "input", "inputs", "output", "plot")
    for name in single:
        if getattr(options, name):
            raise UsageError(f"--{name} is of one pair, and --pairs names many; leave one out")
    if options.device != "cpu":
        raise UsageError("--device: a page of many pairs is made on the CPU, where float64 decides")
    if options.report is None:
        raise UsageError("--pairs needs --report DIR, the folder of the page")
