"""Runs of backends.train, one at a time, each in a process of its own."""

import json
import os
import subprocess
import sys
from collections.abc import Sequence
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

import backends
from benchmarks.manager.installations import ROOT, worker_environment
from common.training.run_folder import Row, best_row


@dataclass(frozen=True, kw_only=True)
class Order:
    """What is to be trained."""

    recipe: str
    data: Path | None
    output: Path
    seeds: tuple[int, ...]
    threads: int
    more: tuple[str, ...] = ()


@dataclass(frozen=True, kw_only=True)
class Run:
    """What a run reached. ``accuracy`` is that of ``part``; ``reason`` says why there is none."""

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


def run_all(order: Order) -> list[Run]:
    """Every seed on both backends; which of them comes first alternates, for machines that drift."""
    order.output.mkdir(parents=True, exist_ok=True)
    runs = []
    for seed in order.seeds:
        names = backends.NAMES if seed % 2 == 0 else backends.NAMES[::-1]
        runs += [_run(order, name, seed) for name in names]
    return runs


def _run(order: Order, name: str, seed: int) -> Run:
    folder = order.output / f"{name}-{seed}"
    interpreter = backends.interpreter(name)
    command = [interpreter, "-m", "backends.train", "--backend", name, "--recipe", order.recipe]
    command += ["--data", str(order.data)] if order.data else []
    command += ["--output", str(folder), "--seed", str(seed), "--threads", str(order.threads), "--resume"]
    environment = worker_environment(
        os.environ, threads=order.threads, elsewhere=interpreter != sys.executable
    )
    log = order.output / f"{name}-{seed}.log"
    print(f"{name}, seed {seed}: {log}", flush=True)
    with log.open("a") as file:
        try:
            done = subprocess.run(
                [*command, *order.more], cwd=ROOT, env=environment, stdout=file, stderr=file, check=False
            )
        except OSError as error:
            return _failed(name, seed, f"cannot start {interpreter} ({error.strerror})")
    if done.returncode:
        lines = log.read_text(errors="replace").strip().splitlines() or ["no reason given"]
        return _failed(name, seed, f"ended with {done.returncode}: {lines[-1][-300:]}")
    return read_run(name, seed, folder)


def _failed(name: str, seed: int, reason: str) -> Run:
    nothing = {"history": (), "part": "", "accuracy": float("nan"), "train_images": 0}
    return Run(backend=name, seed=seed, reason=reason, **nothing)  # type: ignore[arg-type]


def read_run(name: str, seed: int, folder: Path) -> Run:
    """What the folder of a finished run says: its test accuracy, else its best validation accuracy."""
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
