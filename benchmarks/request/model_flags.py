"""Flags that name models: ours, those that both libraries ship, and the user's own with their parts."""

import argparse
from pathlib import Path

from backends import NAMES
from benchmarks.request.request import Request
from common import model_cards
from common.cli import Group, Parser
from common.flag_values import natural, positive, seconds, shape
from common.input_spec import InputSpec
from common.shipped import NETWORKS, PREFIX


def add_model_flags(parser: Parser, *, own: bool = True, parts: bool = False) -> None:
    """Flags of every command that starts workers on a model; ``own``: or on the user's own pair.

    ``parts``: of which the inputs, the output and the loss may be other than usual.
    """
    names = f"{', '.join(model_cards.MODELS)}, or {PREFIX}NAME (see --list-models)"
    parser.add_argument("--model", help=names)
    parser.add_argument("--list-models", action=ListModels, nargs=0, help="print all of them, and stop")
    if own:
        group = parser.add_argument_group("a pair of your own, in the place of --model")
        add_own_pair_flags(group)
        if parts:
            add_part_flags(group)
    parser.add_argument(
        "--num-classes", type=positive, metavar="N", help="classes of the model (default: its own)"
    )
    parser.add_argument(
        "--input-shape", type=shape, metavar="C,H,W", help="of one image (default: the model's own)"
    )
    parser.add_argument(
        "--seed", type=natural, default=Request.seed, metavar="N", help="of weights and images (default 0)"
    )
    parser.add_argument(
        "--timeout",
        type=seconds,
        default=Request.timeout,
        metavar="S",
        help="seconds that a worker may take for a request (default 600)",
    )


class ListModels(argparse.Action):
    """Print every model that --model takes, with its parameters, and end with exit code 0."""

    def __call__(self, parser: argparse.ArgumentParser, *_: object) -> None:
        """See argparse.Action."""
        rows = [(name, card.parameters, card.title) for name, card in model_cards.MODELS.items()]
        rows += [(f"{PREFIX}{name}", entry.parameters, entry.verdict) for name, entry in NETWORKS.items()]
        for name, parameters, text in rows:
            print(f"{name:32s}{parameters:>13,}  {text}")
        parser.exit()


def add_own_pair_flags(group: Group, *, weights: bool = True) -> None:
    """Flags of the user's own models, and of their weights."""
    for name in NAMES:
        text = f"MODULE:CALLABLE in this folder: () -> a {name} model from images to logits"
        group.add_argument(f"--{name}", metavar="M:C", help=text)
    group.add_argument(
        "--map", type=Path, metavar="FILE.json", help="torch's parameter or layer names to paddle's"
    )
    if weights:
        text = "weights of both, .pth, .pdparams or .safetensors (default: those that the model comes with)"
        group.add_argument("--weights", type=Path, metavar="FILE", help=text)


def add_part_flags(group: Group) -> None:
    """Flags of what goes into the user's own models, what is meant of what comes out, and the loss of it."""
    for name in NAMES:
        text = "(logits, labels) -> loss (default: cross-entropy)"
        group.add_argument(f"--{name}-loss", metavar="M:C", help=text)
    add_input_flags(group)


def add_input_flags(group: Group) -> None:
    """Flags of inputs that are no images, and of the output that is meant."""
    group.add_argument(
        "--input",
        type=_input,
        action="append",
        default=[],
        metavar="NAME=SHAPE[:DTYPE]",
        help="an input of the models without its batch, in order, as in tokens=16:int64<1000; repeatable",
    )
    group.add_argument(
        "--output",
        default="",
        metavar="KEY",
        help="the output that loss and metrics see, as in logits, 0 or 0.aux",
    )


def _input(text: str) -> InputSpec:
    try:
        return InputSpec.parse(text)
    except ValueError:
        raise argparse.ArgumentTypeError(
            f"expected NAME=SIDE,SIDE[:float32|int64|bool], as in tokens=16:int64<1000, got {text!r}"
        ) from None
