"""Models of a request that are not ours: the user's own pair, or networks that both libraries ship."""

import argparse
from collections.abc import Sequence
from pathlib import Path
from typing import Any

from backends import NAMES
from benchmarks.request.sources import require_source
from common import shipped
from common.cli import UsageError
from common.weights.map_lines import read_map

OWN = ("torch", "paddle", "map")
LOSSES = {name: f"{name}_loss" for name in NAMES}
PARTS = ("input", "output", *LOSSES.values())
MODEL_FLAGS = (*OWN, "model", "weights", "input_shape", "num_classes", "seed", "timeout")


def read_own_pair(options: argparse.Namespace) -> dict[str, Any] | None:
    """The fields of a Request that describe models which are not ours; None for a model of ours.

    A command on one backend needs that one's callable alone. Raises UsageError for what can be seen to be
    wrong without importing anything.
    """
    network = shipped.shipped_name(options.model)
    given = {name: getattr(options, name, None) for name in OWN}
    if options.model and (given["torch"] or given["paddle"]):
        raise UsageError("--model cannot be combined with --torch and --paddle; leave one out")
    if network is not None:
        _refuse_parts(options)
        return shipped_pair(network, options) | _files(options)
    if options.model:
        _refuse_alone(options)
        return None
    sources = {name: str(given[name]) for name in NAMES if given[name]}
    if not sources:
        raise UsageError("give --model NAME, or --torch MODULE:CALLABLE and --paddle MODULE:CALLABLE")
    for name in _sides(options):
        if name not in sources:
            raise UsageError(f"--{name} MODULE:CALLABLE is missing: this command computes with {name}")
    given_to = _given_to(options)
    folder: Path = getattr(options, "pairs_folder", None) or Path.cwd()
    for name, source in sources.items():
        require_source(source, backend=name, folder=folder)
    own = {
        "model": " / ".join(dict.fromkeys(sources[name] for name in _sides(options))),
        "num_classes": options.num_classes,
        "sources": sources,
        "folder": str(folder),
    }
    return own | given_to | _files(options) | _losses(options, folder)


def _given_to(options: argparse.Namespace) -> dict[str, Any]:
    """The shape of images, or the inputs in its place. UsageError for both, and for neither."""
    inputs = tuple(getattr(options, "input", None) or ())
    if inputs and options.input_shape:
        raise UsageError("--input stands in the place of --input-shape; leave one out")
    if not ((options.input_shape or inputs) and options.num_classes):
        other = " (or --input)" if hasattr(options, "input") else ""
        raise UsageError(f"a pair of your own needs --input-shape C,H,W{other} and --num-classes N")
    return (
        {"inputs": inputs, "input_shape": inputs[0].shape} if inputs else {"input_shape": options.input_shape}
    )


def model_arguments(options: argparse.Namespace) -> list[str]:
    """The flags of ``add_model_flags`` that were given, for another command."""
    arguments = []
    for name in MODEL_FLAGS:
        value = getattr(options, name)
        if value is not None:
            text = ",".join(map(str, value)) if isinstance(value, tuple) else str(value)
            arguments += [f"--{name.replace('_', '-')}", text]
    return arguments


def _sides(options: argparse.Namespace) -> Sequence[str]:
    """Backends that the command computes with."""
    backend = getattr(options, "backend", None)
    return NAMES if backend is None or getattr(options, "both_sides", False) else (backend,)


def shipped_pair(network: str, options: argparse.Namespace) -> dict[str, Any]:
    """The fields of a ModelPair of a network that both libraries ship. Raises UsageError if they do not."""
    entry = shipped.NETWORKS.get(network)
    if entry is None:
        raise UsageError(f"{options.model}: no such network; --list-models prints those there are")
    num_classes = options.num_classes or shipped.CLASSES
    return {
        "model": options.model,
        "num_classes": num_classes,
        "input_shape": options.input_shape or (3, entry.usual, entry.usual),
        "sources": {name: shipped.source(name, network) for name in NAMES},
        "arguments": {} if num_classes == shipped.CLASSES else {"num_classes": num_classes},
    }


def _files(options: argparse.Namespace) -> dict[str, Any]:
    """The map, and the file of weights, which has to be there."""
    weights: Path | None = getattr(options, "weights", None)
    if weights is not None and not weights.is_file():
        raise UsageError(f"--weights {weights}: no such file")
    return {
        "names": read_map(getattr(options, "map", None)) or {},
        "weights": weights and weights.absolute(),
    }


def _losses(options: argparse.Namespace, folder: Path) -> dict[str, Any]:
    """The losses that were given, of all sides that the command computes with; {} where none was."""
    given = {name: getattr(options, flag, None) for name, flag in LOSSES.items()}
    if not any(given.values()):
        return {}
    plugins: dict[str, dict[str, str]] = {}
    for name in _sides(options):
        source = given[name]
        if not source:
            raise UsageError(f"--{name}-loss MODULE:CALLABLE is missing: this command computes with {name}")
        require_source(source, backend=name, folder=folder)
        plugins[name] = {"loss": source}
    return {"plugins": plugins}


def _refuse_parts(options: argparse.Namespace) -> None:
    """Raise UsageError for inputs and losses of a network that both libraries ship."""
    for flag in ("input", *LOSSES.values()):
        if getattr(options, flag, None):
            name = flag.replace("_", "-")
            why = f"{options.model} takes images, and cross-entropy is its loss"
            raise UsageError(f"--{name} belongs to --torch and --paddle: {why}")


def _refuse_alone(options: argparse.Namespace) -> None:
    """Raise UsageError for flags that say something of models which are not ours."""
    for flag, why in (
        *((flag, "ours are drawn and named alike") for flag in ("map", "weights")),
        *((flag, "ours take images, and cross-entropy is their loss") for flag in PARTS),
    ):
        if getattr(options, flag, None):
            name = flag.replace("_", "-")
            raise UsageError(f"--{name} belongs to --torch and --paddle: {why}")
