"""Parity of the networks that torchvision and paddle.vision both ship, by their own builders.

    python -m benchmarks.parity.shipped                      # all of them; --only resnet,vgg for some
    python -m benchmarks.parity.shipped --list

One pair of workers serves them all. Each network is one line: its verdict, where it first departs, and the
difference that is known of it. Exit code 1 if one is judged otherwise than it should be, 3 if one could not
be judged.
"""

import argparse
import time
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

from backends import NAMES
from benchmarks.parity.plan import CHOICES, INCOMPLETE, Plan, with_needed
from common import cli
from common.cli import UnavailableError, UsageError
from common.files import require_writable, write_text
from common.flag_values import positive, seconds, words
from common.shipped import CLASSES, NETWORKS, source

if TYPE_CHECKING:
    from benchmarks.manager.worker_process import Worker
    from benchmarks.request.model_pair import ModelPair

PROGRAM = "benchmarks.parity.shipped"


def main(arguments: Sequence[str]) -> int:
    """The command; returns its exit code."""
    options = _parse(arguments)
    if options.list:
        for name, entry in NETWORKS.items():
            print(f"{name:20s} {entry.verdict}")
        return cli.DONE
    chosen = [name for name in NETWORKS if not options.only or any(word in name for word in options.only)]
    if not chosen:
        raise UsageError(f"--only {','.join(options.only)}: no network has such a name; see --list")
    if options.json:
        require_writable(options.json)
    rows = _compare_all(chosen, options)
    lost = [row["network"] for row in rows if row["verdict"] == INCOMPLETE]
    wrong = [row["network"] for row in rows if not row["right"] and row["network"] not in lost]
    print(f"{len(rows) - len(wrong) - len(lost)} of {len(rows)} judged rightly")
    if wrong:
        cli.complain(PROGRAM, f"judged otherwise than they should be: {', '.join(wrong)}")
    if lost:
        cli.complain(PROGRAM, f"not judged: {', '.join(lost)}")
    return cli.FAILED if wrong else cli.UNAVAILABLE if lost else cli.DONE


def _compare_all(names: Sequence[str], options: argparse.Namespace) -> list[dict[str, Any]]:
    from benchmarks.manager.scratch import scratch_folder
    from benchmarks.parity.check import both_sides

    plan = Plan(stages=with_needed(options.stages), optimizers=("adam",))
    rows: list[dict[str, Any]] = []
    while len(rows) < len(names):  # new workers for the rest, where one of them is lost
        with scratch_folder() as scratch, both_sides(scratch, timeout=options.timeout) as sides:
            for name in names[len(rows) :]:
                row = compare_network(sides, name, scratch=scratch, plan=plan, batch_size=options.batch_size)
                rows.append(row)
                print(_line(row), flush=True)
                if options.json:
                    _write(options.json, rows)
                if row["verdict"] == INCOMPLETE:
                    break
    return rows


def _write(path: Path, rows: Sequence[Mapping[str, Any]]) -> None:
    from pydantic_core import to_json

    write_text(path, to_json({"networks": rows}, indent=2).decode() + "\n")


def compare_network(
    sides: "tuple[Worker, Worker]", name: str, *, scratch: Path, plan: Plan, batch_size: int
) -> dict[str, Any]:
    """One network of the table through the stages of ``plan``, as a row of the results.

    A worker that is lost makes a row "incomplete" that says so, as does a disk that is full.
    """
    from benchmarks.manager.worker_process import WorkerFailure
    from benchmarks.parity.comparison import run_parity

    start, subject = time.monotonic(), _subject(name, batch_size=batch_size)
    try:
        report = run_parity(*sides, subject=subject, scratch=scratch, plan=plan, together=True)
    except (WorkerFailure, UnavailableError) as failure:
        report = {"verdict": INCOMPLETE, "first_divergence": {"path": str(failure)}, "stages": [{}]}
    return _row(name, report, time.monotonic() - start)


def _subject(name: str, *, batch_size: int) -> "ModelPair":
    from benchmarks.request.model_pair import ModelPair

    entry = NETWORKS[name]
    return ModelPair(
        num_classes=CLASSES,
        input_shape=(3, entry.side, entry.side),
        batch_size=batch_size,
        sources={backend: source(backend, name) for backend in NAMES},
    )


def _row(name: str, report: dict[str, Any], spent: float) -> dict[str, Any]:
    first, entry = report["first_divergence"] or {}, NETWORKS[name]
    stage = "parameters" if report["verdict"] == "cannot-compare" else first.get("stage", "")
    return {
        "network": name,
        "verdict": report["verdict"],
        "stage": stage,
        "layer": first.get("layer"),
        "first_divergence": report["first_divergence"],
        "known_differences": [found["difference"] for found in report.get("known_differences", [])],
        "because": entry.because,
        "right": (stage, first.get("layer")) == (entry.fails, entry.at) and report["verdict"] != INCOMPLETE,
        "paired": report["stages"][0].get("paired"),
        "seconds": spent,
        "evidence": report.get("evidence"),
    }


def _line(row: dict[str, Any]) -> str:
    where = f", {row['stage']} at {row['layer']}" if row["stage"] else ""
    known = f" (known: {', '.join(row['known_differences'])})" if row["known_differences"] else ""
    other = f"; {row['because']}" if row["because"] else ""
    if row["verdict"] == INCOMPLETE:
        where, other = "", f": {row['first_divergence']['path']}"
    mark = "" if row["right"] else "  <- judged otherwise than it should be"
    return f"{row['network']:20s} {row['verdict']}{where}{known}{other}, {row['seconds']:.0f} s{mark}"


def _parse(arguments: Sequence[str]) -> argparse.Namespace:
    parser = cli.Parser(prog=PROGRAM, description="Compare the networks that both libraries ship.")
    parser.add_argument(
        "--only",
        type=lambda text: tuple(text.split(",")),
        default=(),
        metavar="WORD,WORD",
        help="those whose names hold one of these words (default: all)",
    )
    parser.add_argument("--list", action="store_true", help="print the networks, and which are not the same")
    parser.add_argument(
        "--stages",
        type=words(CHOICES),
        default=(),
        metavar="STAGE,STAGE",
        help="only these, and what they need (default: all)",
    )
    parser.add_argument(
        "--batch-size", type=positive, default=2, metavar="N", help="images of the batch (default 2)"
    )
    parser.add_argument(
        "--timeout",
        type=seconds,
        default=600.0,
        metavar="S",
        help="seconds that a request may take (default 600)",
    )
    parser.add_argument("--json", type=Path, metavar="FILE", help="write the results there")
    return parser.parse_args(arguments)


if __name__ == "__main__":
    cli.run(main, program=PROGRAM)
