"""Every operation that image models use, in both frameworks: same or not, by how much, how fast.

    python -m benchmarks.atlas --only conv2d
    python -m benchmarks.atlas --report atlas --speed

Each case is computed by a kept worker of each framework, on equal inputs and weights: forward and gradient
in float64 and float32, with NaN, infinity, an empty batch and a batch of one. A difference is explained where
torch, given paddle's rounded constant or paddle's rule, agrees to the gate. With ``--report`` every row is
kept as it is found, and a second call goes on where the first stopped.
"""

import argparse
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import TYPE_CHECKING

from backends import NAMES
from benchmarks.atlas.catalogue import selected
from benchmarks.manager.installations import both_backends
from common import cli
from common.cli import UsageError
from common.files import require_folder, require_writable
from common.flag_values import positive, seconds

if TYPE_CHECKING:
    from benchmarks.atlas.row import AtlasReport
    from benchmarks.manager.installations import Installation

PROGRAM = "benchmarks.atlas"


def main(arguments: Sequence[str]) -> int:
    """The command; returns its exit code."""
    options = _parse(arguments)
    cases = selected(options.only)
    if options.list:
        print("\n".join(case.id for case in cases))
        return cli.DONE
    if options.json:
        require_writable(options.json)
    if options.report:
        require_folder(options.report)
    # Imported here and not above: they take longer than --help may.
    from benchmarks.atlas.survey import Wanted, survey
    from benchmarks.atlas.text import report_text

    wanted = Wanted(
        cases=cases,
        places=_places(options),
        speed=options.speed,
        folder=options.report,
        threads=options.threads,
        timeout=options.timeout,
    )
    folder = options.report
    kept = f"the same command goes on in {folder}" if folder else "nothing is kept without --report DIR"
    with cli.noting_on_stop(lambda: kept):
        report = survey(wanted)
    print(report_text(report))
    _write(report, options)
    return cli.DONE


def _places(options: argparse.Namespace) -> "Mapping[str, Installation]":
    """The two frameworks, or two versions of one."""
    if options.against is None:
        if options.backend:
            raise UsageError("--backend says whose version --against names; give both or neither")
        return both_backends()
    if not options.backend:
        raise UsageError("--against PYTHON is another version of one framework: name it with --backend")
    from benchmarks.measure.versions import places

    return places(options.backend, options.against)


def _write(report: "AtlasReport", options: argparse.Namespace) -> None:
    from benchmarks.atlas.page import write_pages
    from benchmarks.results.result_file import write

    if options.report:
        write_pages(report, options.report)
        print(f"\n{options.report}/atlas.html has every case, and can be searched")
    if options.json:
        write(report, options.json)


def _parse(arguments: Sequence[str]) -> argparse.Namespace:
    parser = cli.Parser(
        prog=PROGRAM, description="Compare every operation of image models in both frameworks."
    )
    parser.add_argument(
        "--only",
        metavar="PATTERN",
        help="a family, a piece of a spelling, or a shell pattern, as in pools, conv2d, '*align_corners*'",
    )
    parser.add_argument("--list", action="store_true", help="print the cases' names and do nothing else")
    parser.add_argument("--speed", action="store_true", help="time every case, too, at two sizes, in turns")
    parser.add_argument(
        "--report",
        type=Path,
        metavar="DIR",
        help="write atlas.html, atlas.md and atlas.json there, and go on with what is there",
    )
    parser.add_argument("--json", type=Path, metavar="FILE", help="write all rows there")
    parser.add_argument(
        "--against",
        metavar="PYTHON",
        help="two versions of one framework: another Python, its environment, or a checkout",
    )
    parser.add_argument("--backend", choices=NAMES, help="the framework of --against")
    parser.add_argument(
        "--threads", type=positive, default=1, metavar="N", help="threads of each worker (default 1)"
    )
    parser.add_argument(
        "--timeout",
        type=seconds,
        default=60.0,
        metavar="S",
        help="seconds of one step of a case (default 60)",
    )
    return parser.parse_args(arguments)


if __name__ == "__main__":
    cli.run(main, program=PROGRAM)
