"""Weights of one's own pair from one framework's file to the other's, with proof that both compute the same.

    python -m benchmarks.convert a.pth a.pdparams --torch mine:net --paddle mine:twin --input-shape 3,32,32

`backends.convert` with these flags is the same. The weights go as parity pairs them (--map decides), buffers
too. Then each side reads its own file afresh: every tensor must be equal bit by bit, and the logits of drawn
images agree in float64, or nothing is written.
"""

import argparse
from collections.abc import Sequence
from pathlib import Path

from backends import NAMES
from benchmarks.request.model_flags import add_own_pair_flags
from benchmarks.request.model_pair import ModelPair
from benchmarks.request.sources import require_source
from common import cli
from common.cli import UnavailableError, UsageError
from common.files import require_writable
from common.flag_values import natural, positive, seconds, shape
from common.weights.map_lines import read_map

PROGRAM = "benchmarks.convert"
SUFFIXES = (".pth", ".pt", ".pdparams", ".safetensors")


def main(arguments: Sequence[str]) -> int:
    """The command; returns its exit code."""
    options = _parse(arguments)
    if options.target.suffix not in SUFFIXES:
        raise UsageError(f"{options.target}: the name must end in one of {', '.join(SUFFIXES)}")
    if not options.source.is_file():
        raise UsageError(f"{options.source}: no such file")
    require_writable(options.target)
    subject = _subject(options)
    # Imported here and not above: they take longer than --help may.
    from benchmarks.manager.worker_process import WorkerFailure
    from benchmarks.measure.conversion import Unproven, convert_pair

    try:
        done = convert_pair(
            subject, options.source.absolute(), options.target.absolute(), timeout=options.timeout
        )
    except WorkerFailure as failure:
        raise UnavailableError(f"{failure.backend}: {failure.explained}") from None
    except Unproven as error:
        cli.complain(PROGRAM, f"{error}; nothing was written")
        return cli.FAILED
    print(
        f"{options.source} ({done.source_side}) -> {options.target}: {done.arrays} arrays, equal on both "
        f"sides; logits {done.distance:.1e} apart in float64"
    )
    return cli.DONE


def _subject(options: argparse.Namespace) -> ModelPair:
    sources = {name: getattr(options, name) for name in NAMES}
    if not all(sources.values()):
        raise UsageError("--torch and --paddle go together: a pair has two sides")
    if not options.input_shape:
        raise UsageError("give --input-shape C,H,W: both sides are held against each other on drawn images")
    for name, source in sources.items():
        require_source(source, backend=name, folder=Path.cwd())
    return ModelPair(
        num_classes=options.num_classes or 1,  # labels are drawn, and nothing learns from them
        input_shape=options.input_shape,
        seed=options.seed,
        sources=sources,
        names=read_map(options.map) or {},
        folder=str(Path.cwd()),
    )


def _parse(arguments: Sequence[str]) -> argparse.Namespace:
    parser = cli.Parser(prog=PROGRAM, description="Convert weights of one's own pair, with proof.")
    parser.add_argument("source", type=Path, metavar="SOURCE", help="a file of either side's weights")
    parser.add_argument(
        "target",
        type=Path,
        metavar="TARGET",
        help=f"output file; its suffix, {', '.join(SUFFIXES)}, is its kind",
    )
    add_own_pair_flags(parser.add_argument_group("the pair"), weights=False)
    parser.add_argument("--input-shape", type=shape, metavar="C,H,W", help="of one image")
    parser.add_argument("--num-classes", type=positive, metavar="N", help="classes (not needed)")
    parser.add_argument("--seed", type=natural, default=0, metavar="N", help="of the images (default 0)")
    timeout = "seconds that a worker may take for a request (default 600)"
    parser.add_argument("--timeout", type=seconds, default=600.0, metavar="S", help=timeout)
    return parser.parse_args(arguments)


if __name__ == "__main__":
    cli.run(main, program=PROGRAM)
