"""Runs of backends.train, one at a time, each in a process of its own."""

import json
import os
import subprocess
import sys
from collections.abc import Callable, Sequence
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np

import backends
from backends import NAMES
from benchmarks.manager.installations import ROOT, worker_environment
from common.cli import UnavailableError, noting_on_stop
from common.terminal import progress
from common.training.run_folder import HISTORY, Row, best_row

if TYPE_CHECKING:
    from tqdm import tqdm

LOOK_SECONDS = 3.0  # between looks at how far a run is


@dataclass(frozen=True, kw_only=True)
class TrainingPlan:
    """Runs to train."""

    recipe: str
    data: Path | None
    output: Path
    seeds: tuple[int, ...]
    threads: int
    more: tuple[str, ...] = ()


@dataclass(frozen=True, kw_only=True)
class Run:
    """Result of a run.

    ``accuracy`` is that of ``part``; ``reason`` says why there is none.
    """

    backend: str
    seed: int
    history: Sequence[Row]
    part: str
    accuracy: float  # NaN where there is a reason
    train_images: int
    reason: str | None = None

    def to_json(self) -> dict[str, Any]:
        """As JSON can hold it."""
        return asdict(self) | {"accuracy": self.accuracy if self.reason is None else None}

    def seconds_to(self, target: float) -> float | None:
        """Seconds of training until validation first reached ``target``; None if it never did."""
        seconds: float = 0.0
        for row in self.history:
            if row["images_per_second"] is None:  # the epoch was cut off, and its time with it
                return None
            seconds += self.train_images / float(row["images_per_second"])
            if (row["valid_accuracy"] or 0.0) >= target:
                return seconds
        return None


def run_all(order: TrainingPlan) -> list[Run]:
    """Every seed on both backends.

    Which of them comes first alternates, for machines that drift.
    """
    order.output.mkdir(parents=True, exist_ok=True)
    runs = []
    with (
        progress(total=len(order.seeds) * len(NAMES), unit="runs") as bar,
        noting_on_stop(lambda: "the same command goes on, and keeps what is there"),
    ):
        for seed in order.seeds:
            for name in NAMES if seed % 2 == 0 else NAMES[::-1]:
                runs.append(_run(order, name, seed, bar=bar))
                bar.update()
    return runs


def _run(order: TrainingPlan, name: str, seed: int, *, bar: "tqdm[Any]") -> Run:
    folder = order.output / f"{name}-{seed}"
    interpreter = backends.interpreter(name)
    command = [interpreter, "-m", "backends.train", "--backend", name, "--recipe", order.recipe]
    command += ["--data", str(order.data)] if order.data else []
    command += ["--output", str(folder), "--seed", str(seed), "--threads", str(order.threads), "--resume"]
    environment = worker_environment(
        os.environ, threads=order.threads, elsewhere=interpreter != sys.executable
    )
    log = order.output / f"{name}-{seed}.log"
    bar.write(f"{name}, seed {seed}: {log}", file=sys.stdout)
    with log.open("a") as file:
        try:
            process = subprocess.Popen(
                [*command, *order.more], cwd=ROOT, env=environment, stdout=file, stderr=file
            )
        except OSError as error:
            return _failed(name, seed, f"cannot start {interpreter} ({error.strerror})")
        code = _waited_for(process, lambda: _show_epochs(bar, f"{name}, seed {seed}", folder))
    if code:
        lines = log.read_text(errors="replace").strip().splitlines() or ["no reason given"]
        return _failed(name, seed, f"ended with {code}: {lines[-1][-300:]}")
    return read_run(name, seed, folder)


def _waited_for(process: "subprocess.Popen[bytes]", look: Callable[[], None]) -> int:
    """Exit code of a process, which ends with this one; ``look`` is called every few seconds."""
    try:
        while True:
            try:
                return process.wait(LOOK_SECONDS)
            except subprocess.TimeoutExpired:
                look()
    except BaseException:
        process.terminate()  # after Ctrl-C it is ending already, and leaves a run that can be gone on with
        process.wait()
        raise


def _show_epochs(bar: "tqdm[Any]", run: str, folder: Path) -> None:
    """Show beside the bar how many epochs a run has finished."""
    try:
        history = json.loads((folder / HISTORY).read_text(encoding="utf-8"))
    except (OSError, ValueError):  # there is none yet
        history = []
    bar.set_postfix_str(f"{run}: {len(history)} epochs", refresh=sys.stderr.isatty())


def _failed(name: str, seed: int, reason: str) -> Run:
    nothing = {"history": (), "part": "", "accuracy": float("nan"), "train_images": 0}
    return Run(backend=name, seed=seed, reason=reason, **nothing)  # type: ignore[arg-type]


def read_run(name: str, seed: int, folder: Path) -> Run:
    """Read a finished run: its test accuracy, else its best validation accuracy."""
    from common.weights import safetensors_file

    history = json.loads((folder / "history.json").read_text(encoding="utf-8"))
    note = safetensors_file.read_note(folder / "last.safetensors")
    sizes = json.loads(note or "{}")["run"]["data"]
    test = folder / "test.json"
    if test.exists():
        part, accuracy = "test", 1 - json.loads(test.read_text(encoding="utf-8"))["top1_error"]
    else:
        best = best_row(history)
        assert best is not None
        part, accuracy = "valid", best["valid_accuracy"]
    return Run(
        backend=name,
        seed=seed,
        history=history,
        part=part,
        accuracy=accuracy,
        train_images=sizes["train"][0],
    )


CONFIDENCE = 0.95
EQUAL = 0.01  # of the images: a difference that nobody minds
VALUES = ("train_loss", "train_accuracy", "valid_loss", "valid_accuracy", "learning_rate")


def compare(runs: Sequence[Run], *, target: float | None) -> dict[str, Any]:
    """Accuracy of each backend, and their difference over the seeds that both have finished.

    The same seed means the same data, order and initial values on both, so differences are paired.
    ``target`` None: the best validation accuracy of the run that reached least.
    """
    finished = [run for run in runs if run.reason is None]
    by_backend = {name: {run.seed: run for run in finished if run.backend == name} for name in NAMES}
    ours, theirs = (by_backend[name] for name in NAMES)
    both = sorted(set(ours) & set(theirs))
    if not both:
        raise UnavailableError("no seed has been finished on both backends; their logs say why")
    difference = interval([theirs[seed].accuracy - ours[seed].accuracy for seed in both])
    if target is None:
        target = min(max(row["valid_accuracy"] or 0.0 for row in run.history) for run in finished)
    return {
        "part": finished[0].part,
        "target": target,
        "seconds_to_target": [run.seconds_to(target) for run in runs],
        "accuracy": {
            name: within(interval([run.accuracy for run in own.values()]), 0.0, 1.0)
            for name, own in by_backend.items()
        },
        "difference": difference,
        "verdict": verdict(difference),
    }


def interval(values: Sequence[float]) -> dict[str, Any]:
    """Mean with its 95 % interval by Student's t.

    Fewer than two values have no interval.
    """
    mean = float(np.mean(values))
    if len(values) < 2:
        return {"mean": mean, "ci95": None, "values": list(values)}
    from scipy import stats  # half a second to import

    half = stats.t.ppf((1 + CONFIDENCE) / 2, df=len(values) - 1) * np.std(values, ddof=1) / len(values) ** 0.5
    return {"mean": mean, "ci95": [mean - float(half), mean + float(half)], "values": list(values)}


def within(value: dict[str, Any], lowest: float, highest: float) -> dict[str, Any]:
    """The interval without what cannot be: Student's knows no bounds."""
    low, high = value["ci95"] or (lowest, highest)
    return value | {"ci95": value["ci95"] and [max(low, lowest), min(high, highest)]}


def verdict(difference: dict[str, Any]) -> str:
    """Who reaches more, if the interval of paddle's accuracy minus torch's leaves 0 out.

    Equal where it lies within EQUAL as a whole, else undecided.
    """
    if difference["ci95"] is None:
        return "one seed: no verdict"
    low, high = difference["ci95"]
    if max(-low, high) <= EQUAL:
        return f"equal within ±{EQUAL * 100:g} points"
    if low <= 0 <= high:
        return "undecided: more --seeds would decide"
    return "paddle reaches more" if low > 0 else "torch reaches more"


def mean_history(runs: Sequence[Run]) -> list[Row]:
    """The mean of each epoch over runs, as far as all of them go."""
    rows: list[Row] = []
    for together in zip(*(run.history for run in runs), strict=False):
        row: Row = {"epoch": together[0]["epoch"]}
        for name in VALUES:
            values = [one[name] for one in together]
            row[name] = None if None in values else float(np.mean(values))
        rows.append(row)
    return rows
