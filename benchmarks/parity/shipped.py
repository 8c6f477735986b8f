"""Parity of the networks that torchvision and paddle.vision both ship, by their own builders.

    python -m benchmarks.parity.shipped                      # all of them; --only resnet,vgg for some
    python -m benchmarks.parity.shipped --list

One pair of workers serves them all. Each network is one line: its verdict, where it first departs, and the
difference that is known of it. Exit code 1 if one is judged otherwise than it should be.
"""

import argparse
import time
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

from benchmarks.parity.plan import CHOICES, INCOMPLETE, Plan, with_needed
from common import cli
from common.cli import UnavailableError, UsageError
from common.files import require_writable, write_text
from common.flag_values import positive, seconds, words

if TYPE_CHECKING:
    from benchmarks.manager.worker_process import Worker
    from benchmarks.request.model_pair import ModelPair

PROGRAM = "benchmarks.parity.shipped"


@dataclass(frozen=True, kw_only=True)
class Shipped:
    """One network: the smallest input that works, arguments of its builders, and what is right of it.

    ``fails`` names the stage in which the two are known to be different networks, ``because`` the reason.
    """

    side: int = 64
    torch: str = ""
    paddle: str = ""
    fails: str = ""
    because: str = ""


SAME = (
    *(f"resnet{depth}" for depth in (18, 34, 50)),
    "resnext50_32x4d",
    "wide_resnet50_2",
    "mobilenet_v2",
)
NETWORKS = {
    **{name: Shipped() for name in SAME},
    "mobilenet_v3_small": Shipped(),
    "mobilenet_v3_large": Shipped(),
    "vgg11": Shipped(),
    "vgg11_bn": Shipped(paddle="vgg11(batch_norm=True)"),
    "densenet121": Shipped(),
    "shufflenet_v2_x1_0": Shipped(),
    "shufflenet_v2_x2_0": Shipped(
        fails="parameters", because="stage 2 has 244 channels, as in the paper, against 224"
    ),
    "squeezenet1_0": Shipped(
        side=67, fails="forward", because="pools in ceil mode against floor mode, first at features.6"
    ),
    "squeezenet1_1": Shipped(
        side=67, fails="forward", because="features.0 without padding against padding 1; pools in ceil mode"
    ),
    "alexnet": Shipped(
        side=224, fails="forward", because="dropout scaled in training against downscale_in_infer"
    ),
    "googlenet": Shipped(fails="parameters", because="batch normalisation and 3x3 against none and 5x5"),
    "inception_v3": Shipped(
        side=75,
        torch="inception_v3(aux_logits=False, init_weights=False)",
        fails="forward",
        because="batch normalisation's epsilon 1e-3 against 1e-5; dropout 0.5 against 0.2",
    ),
}
CLASSES = 1000


def main(arguments: Sequence[str]) -> int:
    """The command; returns its exit code."""
    options = _parse(arguments)
    if options.list:
        for name, entry in NETWORKS.items():
            print(f"{name:20s} {entry.because or 'the same network'}")
        return cli.DONE
    chosen = [name for name in NETWORKS if not options.only or any(word in name for word in options.only)]
    if not chosen:
        raise UsageError(f"--only {','.join(options.only)}: no network has such a name; see --list")
    if options.json:
        require_writable(options.json)
    rows = _compare_all(chosen, options)
    wrong = [row["network"] for row in rows if not row["right"]]
    print(f"{len(rows) - len(wrong)} of {len(rows)} judged rightly")
    if wrong:
        cli.complain(PROGRAM, f"judged otherwise than they should be: {', '.join(wrong)}")
    return cli.FAILED if wrong else cli.DONE


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

    ``scratch`` is a folder of the workers', which the builders are written into. A worker that is lost makes
    a row "incomplete" that says so, as does a disk that is full.
    """
    from benchmarks.manager.worker_process import WorkerFailure
    from benchmarks.parity.comparison import run_parity

    write_builders(scratch / "builders.py")
    start, subject = time.monotonic(), _subject(name, scratch, batch_size=batch_size)
    try:
        report = run_parity(*sides, subject=subject, scratch=scratch, plan=plan, together=True)
    except (WorkerFailure, UnavailableError) as failure:
        report = {"verdict": INCOMPLETE, "first_divergence": {"path": str(failure)}, "stages": [{}]}
    return _row(name, report, time.monotonic() - start)


def write_builders(path: Path) -> None:
    """Write the module in which both libraries' builders have a name."""
    lines = ["import importlib", ""]
    for name, entry in NETWORKS.items():
        for library, call in (("torchvision", entry.torch), ("paddle.vision", entry.paddle)):
            owner = library.replace(".", "_")
            lines.append(f"def {owner}_{name}():")
            lines.append(f"    return importlib.import_module('{library}.models').{call or f'{name}()'}")
    path.write_text("\n".join(lines) + "\n")


def _subject(name: str, folder: Path, *, batch_size: int) -> "ModelPair":
    from benchmarks.request.model_pair import ModelPair

    entry = NETWORKS[name]
    return ModelPair(
        num_classes=CLASSES,
        input_shape=(3, entry.side, entry.side),
        batch_size=batch_size,
        sources={
            "torch": f"builders:torchvision_{name}",
            "paddle": f"builders:paddle_vision_{name}",
        },
        folder=str(folder),
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
        "right": stage == entry.fails and report["verdict"] != INCOMPLETE,
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
