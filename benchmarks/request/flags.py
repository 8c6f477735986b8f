"""The flags of benchmarks.run and benchmarks.compare; ``options`` says what they ask for."""

import argparse
from pathlib import Path

from backends import ENGINES, PRECISIONS
from benchmarks.request.request import LAYOUTS, LOADERS, PHASES, REFERENCES, SETTINGS
from common import model_cards
from common.cli import Parser
from common.flags import fraction, natural, positive, price, seconds, shape, sizes, swept, words

Group = argparse._ArgumentGroup  # what add_argument_group returns has no public name


def add_flags(parser: Parser, *, model_required: bool = True) -> None:
    """Add the flags that benchmarks.run and benchmarks.compare share."""
    add_subject_flags(parser, model_required=model_required)
    _add_combinations(parser.add_argument_group("combinations"))
    _add_ways(parser.add_argument_group("how"))
    _add_images(parser.add_argument_group("real images"))


def _add_combinations(group: Group) -> None:
    """Flags of the cases: the product of their values is measured."""
    group.add_argument("--phase", type=words(PHASES), default="infer,train", help=swept(PHASES))
    group.add_argument("--engine", type=words(ENGINES), help=f"{swept(ENGINES)} (default eager)")
    group.add_argument("--precision", type=words(PRECISIONS), help=f"{swept(PRECISIONS)} (default fp32)")
    group.add_argument("--layout", type=words(LAYOUTS), help=f"{swept(LAYOUTS)} (default NCHW)")
    group.add_argument("--batch-size", type=sizes, default="8", metavar="N,N", help="swept (default 8)")
    group.add_argument(
        "--threads",
        type=sizes,
        metavar="N,N",
        help="of each process; swept (default: all cores, shared by --processes)",
    )
    group.add_argument(
        "--processes",
        type=sizes,
        metavar="N,N",
        help="swept: groups of so many processes, each with a batch of its own; how well they scale",
    )


def _add_ways(group: Group) -> None:
    """Flags of the measurement and of its output."""
    group.add_argument("--device", default="auto", help="auto, cpu, gpu or gpu:N (default auto)")
    group.add_argument(
        "--settings",
        choices=SETTINGS,
        default="equalised",
        help="made equal; as installed; or the best of each, searched among what --engine, --precision, "
        "--layout and --threads allow (default for tuned: everything)",
    )
    group.add_argument(
        "--max-error",
        type=fraction,
        default=1e-3,
        metavar="X",
        help="relative L2 of the logits from float64 that tuned settings may cost (default 0.001)",
    )
    group.add_argument(
        "--reference",
        choices=REFERENCES,
        help="infer in fp32 with this engine, too: it belongs to neither, and computes what each exports",
    )
    group.add_argument(
        "--layers", action="store_true", help="time every layer's forward and backward pass, too"
    )
    group.add_argument("--price-per-hour", type=price, metavar="X", help="of the machine: gives cost")
    group.add_argument(
        "--warmup", type=natural, default=3, metavar="N", help="untimed steps first (default 3)"
    )
    group.add_argument("--min-iterations", type=positive, default=10, metavar="N", help="default 10")
    group.add_argument("--min-seconds", type=seconds, default=1.0, metavar="S", help="default 1")


def _add_images(group: Group) -> None:
    """Images that are read inside the measured time."""
    group.add_argument(
        "--data", type=Path, metavar="LIST.txt", help="read real images inside the measured time"
    )
    group.add_argument(
        "--root", type=Path, metavar="DIR", help="folder of the list's images (default: the list's)"
    )
    group.add_argument(
        "--loader", choices=LOADERS, default="common", help="ours, or the framework's own DataLoader"
    )
    group.add_argument(
        "--workers",
        type=natural,
        default=0,
        metavar="N",
        help="threads (common) or processes (native) that decode ahead (default 0)",
    )
    group.add_argument(
        "--augment", action="store_true", help="training transforms: random resized crop and flip"
    )


def add_subject_flags(parser: Parser, *, model_required: bool = True) -> None:
    """Add the flags of every command that starts workers on a model."""
    parser.add_argument("--model", required=model_required, help=", ".join(model_cards.MODELS))
    parser.add_argument("--num-classes", type=positive, metavar="N", help="default: the model's own")
    parser.add_argument("--input-shape", type=shape, metavar="C,H,W", help="default: the model's own")
    parser.add_argument("--seed", type=natural, default=0, metavar="N")
    parser.add_argument(
        "--timeout", type=seconds, default=600.0, metavar="S", help="of each request to a worker (600)"
    )
    parser.add_argument("--json", type=Path, metavar="FILE", help="write the results there")
