"""Flags of the commands that open a checkpoint."""

import argparse
from pathlib import Path

from backends import NAMES
from common import model_cards
from common.cli import Parser, UsageError
from common.flag_values import divisors, natural, number, numbers, positive, side_or_sides
from common.model_cards import ACTIVATIONS, POOLS

SPLITS = ("test", "valid", "all", "train")  # which split is meant, where none is named
GRID = 6  # images in the picture of predictions


def add_own_model_flags(parser: Parser) -> None:
    """Flags of a model of the user's own, in the place of --model."""
    group = parser.add_argument_group("a model of your own, in the place of --model")
    for name in NAMES:
        text = f"MODULE:CALLABLE in this folder: () -> a {name} model; needs --num-classes and --resize"
        group.add_argument(f"--{name}", metavar="M:C", help=text)


def add_checkpoint_flags(parser: Parser) -> None:
    """Flags that say of someone else's checkpoint what ours say themselves."""
    others = parser.add_argument_group("of a checkpoint that is not ours")
    others.add_argument("--model", choices=tuple(model_cards.MODELS), help="the model whose weights they are")
    others.add_argument(
        "--num-classes",
        type=positive,
        metavar="N",
        help="classes of the checkpoint (default: its last layer's)",
    )
    others.add_argument(
        "--channels", type=int, choices=(1, 3), help="channels of its images (default: its first layer's)"
    )
    others.add_argument("--activation", choices=ACTIVATIONS, help="activation of lenet5 (default sigmoid)")
    others.add_argument("--pool", choices=POOLS, help="pooling of lenet5 (default max)")
    others.add_argument(
        "--no-c5-activation",
        action="store_true",
        default=None,
        help="lenet5 without an activation behind its third convolution",
    )
    others.add_argument(
        "--resize",
        type=side_or_sides,
        metavar="S|H,W",
        help="shorter side, or height and width, that images are resized to (default: the model's own)",
    )
    others.add_argument("--crop", type=positive, metavar="S", help="middle square, after --resize S")
    others.add_argument("--pad", type=natural, metavar="N", help="black border after resizing")
    others.add_argument(
        "--mean", type=numbers, metavar="X,X,X", help="subtracted from each channel (default 0)"
    )
    others.add_argument(
        "--std", type=divisors, metavar="X,X,X", help="divisor of each channel after that (default 1)"
    )
    others.add_argument(
        "--scale",
        type=number(float, above=0),
        metavar="X",
        help="divisor of the pixels before that (default 255)",
    )
    others.add_argument(
        "--map", type=Path, metavar="FILE.json", help="JSON object {model's name: name in the file}"
    )


def add_both_flags(parser: Parser) -> None:
    """Flags of the comparison of both sides."""
    group = parser.add_argument_group("both sides")
    group.add_argument(
        "--both",
        action="store_true",
        help="run the other framework, too, and say for how many images both name the same class",
    )
    group.add_argument(
        "--other-checkpoint",
        type=Path,
        metavar="C",
        help="of the other framework, where it has a file of its own (default: the same)",
    )
    parser.add_argument("--logits-only", type=Path, help=argparse.SUPPRESS)  # what the other side is asked


def require_both(options: argparse.Namespace) -> None:
    """Raise UsageError for flags of ``--both`` that do not go together."""
    if options.other_checkpoint is not None and not options.both:
        raise UsageError("--other-checkpoint changes nothing without --both; add that, or leave it out")


def other_of(backend: str) -> str:
    """The other backend's name."""
    return next(name for name in NAMES if name != backend)
