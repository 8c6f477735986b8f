"""Do repetitions of a whole comparison agree as well as their intervals say? Repeat one and see.

    python -m benchmarks.selfcheck.repeatability --model alexnet --runs 10

Runs benchmarks.compare so often, each in new processes, with parity skipped, and prints for each run how
many of the other runs' ratios its repetition interval covers, the spread of the ratios (largest over
smallest, less one) and the noise of the A/A comparisons. Wide intervals cover everything: where one is wider
than ± --max-regression, or a run is invalid, nothing is known (exit code 4).
"""

import argparse
import math
import subprocess
import sys
import tempfile
from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING

from benchmarks.request.model_flags import add_model_flags
from benchmarks.request.own_pair import model_arguments, read_own_pair
from common import cli
from common.cli import UnavailableError
from common.flag_values import percent, positive

if TYPE_CHECKING:
    from benchmarks.results.schema import Comparison

PROGRAM = "benchmarks.selfcheck.repeatability"
ENOUGH = 0.9  # of the other runs' ratios, in each run's interval


def main(arguments: Sequence[str]) -> int:
    """The command; returns its exit code: 1 if an interval covers too few of the other runs, 4 if unknown."""
    from benchmarks.results.formatting import interval, number, plus_minus

    options = _parser().parse_args(arguments)
    if options.model is None and options.torch is None:
        options.model = "alexnet"
    read_own_pair(options)  # what is wrong with it is said now, and once
    rows = [_run(options, number) for number in range(options.runs)]
    shares = coverage(rows)
    for row, share in zip(rows, shares, strict=True):
        found = f"{interval(row.ratio_ci95)}, repetition {interval(row.repetition_ci95)}"
        aa = f"A/A {plus_minus(row.noise, 2)}"
        print(
            f"ratio {number(row.ratio, 4)} ({found}, {aa}), {row.verdict}, covers {share:.0%} of the others"
        )
    ratios = [row.ratio or math.nan for row in rows]
    noise = max(row.noise or 0.0 for row in rows)
    print(f"spread of the ratio {max(ratios) / min(ratios) - 1:.1%}, A/A at most {plus_minus(noise)}")
    blind = [row for row in rows if not _sees(row, options.max_regression)]
    if blind:
        why = blind[0].reason or "its interval is too wide"
        cli.complain(PROGRAM, f"undecided: {len(blind)} of {len(rows)} runs would not show a change of "
                     f"{options.max_regression:g} %: {why}")  # fmt: skip
        return cli.UNDECIDED
    return cli.DONE if min(shares) >= ENOUGH else cli.FAILED


def _parser() -> cli.Parser:
    parser = cli.Parser(prog=PROGRAM, description="Repeat a comparison and see whether the runs agree.")
    add_model_flags(parser)
    parser.add_argument("--runs", type=positive, default=10, metavar="N", help="comparisons (default 10)")
    parser.add_argument(
        "--rounds", type=positive, default=24, metavar="N", help="turns of A B B A in each (default 24)"
    )
    parser.add_argument(
        "--pairs", type=positive, default=6, metavar="N", help="pairs of workers in each (default 6)"
    )
    parser.add_argument(
        "--batch-size", type=positive, default=8, metavar="N", help="images per step (default 8)"
    )
    parser.add_argument(
        "--max-regression",
        type=percent,
        default=5.0,
        metavar="PERCENT",
        help="change that a comparison has to be able to show (default 5)",
    )
    return parser


def _sees(row: "Comparison", percent: float) -> bool:
    """True if the true ratio is known to so many percent."""
    from benchmarks.results.formatting import half_width

    if row.verdict == "invalid" or row.ratio_ci95 is None:
        return False
    return half_width(row.ratio_ci95) <= percent / 100


def coverage(rows: Sequence["Comparison"]) -> list[float]:
    """For each run, the part of the other runs whose ratio lies in its interval."""
    shares = []
    for row in rows:
        low, high = row.repetition_ci95 or (0.0, 0.0)
        others = [other.ratio or 0.0 for other in rows if other is not row]
        shares.append(sum(low <= ratio <= high for ratio in others) / max(1, len(others)))
    return shares


def _run(options: argparse.Namespace, number: int) -> "Comparison":
    from benchmarks.results.result_file import read

    with tempfile.TemporaryDirectory() as folder:
        target = Path(folder) / "result.json"
        command = [sys.executable, "-m", "benchmarks.compare", "--skip-parity", "--phase", "infer"]
        command += [*model_arguments(options), "--batch-size", str(options.batch_size)]
        command += ["--rounds", str(options.rounds), "--pairs", str(options.pairs)]
        command += ["--device", "cpu", "--json", str(target)]
        done = subprocess.run(command, stdout=subprocess.DEVNULL, check=False)
        if done.returncode not in (cli.DONE, cli.UNDECIDED):
            raise UnavailableError(f"run {number + 1} of benchmarks.compare ended with {done.returncode}")
        return read(target).comparisons[0]


if __name__ == "__main__":
    cli.run(main, program=PROGRAM)
