"""Flags of the commands that measure a model; ``request`` reads what they ask for."""

from collections.abc import Callable, Sequence
from pathlib import Path
from typing import TypeVar

from backends import ENGINES, PRECISIONS
from benchmarks.request.model_flags import add_model_flags
from benchmarks.request.request import LAYOUTS, LOADERS, PHASES, REFERENCES, SETTINGS, WARMUP, Request
from benchmarks.request.service import PHASES as SERVICE_PHASES
from benchmarks.request.service import add_service_flags
from common.cli import Group, Parser
from common.engines.int8 import INT8, MOST_IMAGES
from common.flag_values import (
    any_of,
    divisors,
    fraction,
    memory_size,
    natural,
    naturals,
    numbers,
    only_one,
    positive,
    price,
    seconds,
    sizes,
    swept,
    words,
)
from common.language import LANGUAGES

T = TypeVar("T")


def add_flags(parser: Parser) -> None:
    """Add the flags that benchmarks.run and benchmarks.compare share."""
    add_model_flags(parser, parts=True)
    add_json_flag(parser)
    combinations = parser.add_argument_group("combinations")
    add_case_flags(combinations, phases=(*PHASES, *SERVICE_PHASES), added=(INT8,))
    combinations.add_argument(
        "--processes",
        type=sizes,
        metavar="N,N",
        help="groups of N processes, each with a batch of its own: how well they scale; a comma list runs "
        "once per value",
    )
    combinations.add_argument(
        "--beside",
        type=naturals,
        metavar="N,N",
        help="threads of Python work in the same process, as a server has: what they cost each framework "
        "(default 0); a comma list runs once per value",
    )
    how = parser.add_argument_group("how")
    how.add_argument("--device", default=Request.device, help="auto, cpu, gpu or gpu:N (default auto)")
    add_settings_flags(how)
    _add_extras(how)
    add_step_flags(how)
    add_image_flags(parser)
    add_service_flags(parser)


def add_language_flag(group: Group | Parser, *, of: str = "of what is printed") -> None:
    """The language of sentences; files keep them in English."""
    group.add_argument(
        "--language", choices=LANGUAGES, default="en", help=f"{of}: en (default) or zh, Chinese"
    )


def add_json_flag(parser: Parser) -> None:
    """The file of results."""
    parser.add_argument("--json", type=Path, metavar="FILE", help="write the results there")


def add_case_flags(
    group: Group,
    *,
    phases: Sequence[str] = PHASES,
    batch_size: int = 8,
    one: bool = False,
    added: Sequence[str] = (),
) -> None:
    """Flags of the cases: the product of their values is measured.

    With ``one`` they take no comma lists. ``added`` are precisions that only some commands have.
    """
    names = any_of if one else swept
    default = "infer" if one or "train" not in phases else "infer,train"

    def value(parse: Callable[[str], tuple[T, ...]]) -> Callable[[str], tuple[T, ...]]:
        return only_one(parse) if one else parse

    group.add_argument(
        "--phase",
        type=value(words(phases)),
        default=default,
        help=f"{names(phases)} (default {default})",
    )
    group.add_argument("--engine", type=value(words(ENGINES)), help=f"{names(ENGINES)} (default eager)")
    group.add_argument(
        "--precision",
        type=value(words((*PRECISIONS, *added))),
        help=f"{names((*PRECISIONS, *added))} (default fp32)",
    )
    group.add_argument("--layout", type=value(words(LAYOUTS)), help=f"{names(LAYOUTS)} (default NCHW)")
    metavar, repeated = ("N", "") if one else ("N,N", "; a comma list runs once per value")
    group.add_argument(
        "--batch-size",
        type=value(sizes),
        default=str(batch_size),
        metavar=metavar,
        help=f"images per step (default {batch_size}){repeated}",
    )
    group.add_argument(
        "--threads",
        type=value(sizes),
        metavar=metavar,
        help=f"threads per process (default: all cores, shared by the processes){repeated}",
    )


def add_settings_flags(group: Group, *, choices: Sequence[str] = SETTINGS) -> None:
    """How the frameworks are set, and by how much tuned settings may be wrong."""
    group.add_argument(
        "--settings",
        dest="settings_mode",
        choices=choices,
        default=Request.settings_mode,
        help="how the frameworks are set: made equal (default); as installed"
        + (
            "; or the best of each, searched among what --engine, --precision, --layout and --threads allow "
            "(default for tuned: everything)"
            if "tuned" in choices
            else ""
        ),
    )
    if "tuned" in choices:
        group.add_argument(
            "--max-error",
            type=fraction,
            default=Request.max_error,
            metavar="X",
            help="largest relative L2 of the logits from float64 that tuned may accept (default 0.001)",
        )


def add_step_flags(group: Group) -> None:
    """How many steps are timed."""
    group.add_argument(
        "--warmup",
        type=natural,
        metavar="N",
        help=f"untimed steps first (default {WARMUP}, two where a step takes half a second)",
    )
    group.add_argument(
        "--min-iterations",
        type=positive,
        default=Request.min_iterations,
        metavar="N",
        help="time at least N steps (default 10)",
    )
    group.add_argument(
        "--min-seconds",
        type=seconds,
        default=Request.min_seconds,
        metavar="S",
        help="time at least S seconds of steps (default 1)",
    )


def add_image_flags(parser: Parser) -> None:
    """Images that are read inside the measured time."""
    group = parser.add_argument_group("real images")
    group.add_argument(
        "--data", type=Path, metavar="LIST.txt", help="read real images inside the measured time"
    )
    group.add_argument(
        "--root", type=Path, metavar="DIR", help="folder of the list's images (default: the list's)"
    )
    group.add_argument(
        "--loader",
        choices=LOADERS,
        default=Request.loader,
        help="common (default): this project's loader; native: the framework's own DataLoader",
    )
    group.add_argument(
        "--workers",
        type=natural,
        default=Request.workers,
        metavar="N",
        help="threads (common) or processes (native) that decode ahead (default 0)",
    )
    group.add_argument(
        "--augment", action="store_true", help="training transforms: random resized crop and flip"
    )


def _add_extras(group: Group) -> None:
    """What else is measured or computed beside the cases."""
    group.add_argument(
        "--reference",
        choices=REFERENCES,
        help="also infer with this neutral engine, in fp32 and where asked for in int8, from the model that "
        "each framework exports",
    )
    _add_calibration(group)
    group.add_argument(
        "--layers", action="store_true", help="also time every layer's forward and backward pass"
    )
    group.add_argument(
        "--largest-batch",
        type=memory_size,
        metavar="SIZE",
        help="time nothing; find the largest batch with which a worker stays below SIZE, as in 2GiB",
    )
    group.add_argument(
        "--price-per-hour",
        type=price,
        metavar="X",
        help="price of the machine per hour, for the cost of a million images",
    )


def _add_calibration(group: Group) -> None:
    """The images of int8, and how they are normalised."""
    group.add_argument(
        "--calibrate",
        type=Path,
        metavar="LIST.txt",
        help=f"real images for --precision int8: up to {2 * MOST_IMAGES}, every second one to calibrate on, "
        "the others to compare with float32",
    )
    group.add_argument(
        "--mean",
        type=numbers,
        metavar="X,X,X",
        help="subtracted from each channel of --calibrate (default: ImageNet's; 0.5 for one channel)",
    )
    group.add_argument(
        "--std",
        type=divisors,
        metavar="X,X,X",
        help="divisor of each channel after that (default: ImageNet's; 0.5 for one channel)",
    )
