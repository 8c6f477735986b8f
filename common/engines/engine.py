"""Engines, whatever the framework: a way to compute logits, and what it cost to get it."""

import json
import shutil
import time
from collections.abc import Callable, Collection, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any, NamedTuple, Protocol

from common.cli import UnavailableError
from common.files import write_text

FACTS = "compiled.json"  # written last: a folder without it was left by a process that died
HEAVY = ("conv", "linear", "addmm", "matmul", "inner_product", "mm")  # where a network's arithmetic lies


class Operation(NamedTuple):
    """One thing that computed: its name, the dtype it computed in ("float32", ...), and whose code it is."""

    name: str
    dtype: str
    kernel: str | None = None


@dataclass(frozen=True, kw_only=True)
class Engine:
    """How to compute logits: ``run(images)``, still on the device. Seconds are None where nothing was done.

    ``operations(images)`` runs once more and tells what computed, in which dtype.
    """

    run: Callable[[Any], Any]
    operations: Callable[[Any], list[Operation]]
    compile_seconds: float | None = None
    load_seconds: float | None = None


class Layer(Protocol):
    """One layer with the input that it has inside its model."""

    name: str
    type: str  # torch's word

    def forward(self) -> None:
        """Compute the output, recorded for gradients. Waits for nothing."""

    def backward(self) -> None:
        """Compute the gradients that training needs of the output of ``forward``. Waits for nothing."""


def timed(action: Callable[[], Any], wait: Callable[[], object]) -> tuple[Any, float]:
    """What an action returns, and the seconds until the device has done it."""
    wait()
    start = time.perf_counter()
    result = action()
    wait()
    return result, time.perf_counter() - start


def compiled_ahead(folder: Path, export: Callable[[Path], object], wait: Callable[[], object]) -> float:
    """Have ``export(folder)`` done, unless an earlier process did it; the seconds that it took then."""
    facts = folder / FACTS
    if not facts.exists():
        shutil.rmtree(folder, ignore_errors=True)
        folder.mkdir(parents=True)
        _, seconds = timed(lambda: export(folder), wait)
        write_text(facts, json.dumps({"compile_seconds": seconds}))
    return float(json.loads(facts.read_text())["compile_seconds"])


def dtypes_that_ran(operations: Sequence[Operation]) -> set[str]:
    """The dtypes of all convolutions and matrix products."""
    return {operation.dtype for operation in operations if is_heavy(operation.name) and operation.dtype}


def require_sensible(
    *,
    engine: str,
    precision: str,
    device: str,
    training: bool,
    layout: str,
    layouts: Collection[str],
    mixed_on_cpu: Collection[str],
) -> None:
    """Raise UnavailableError, with the remedy, for what cannot be had.

    ``layouts`` are those that the framework's models can be given, ``mixed_on_cpu`` its engines that
    compute in bf16 or fp16 on a CPU when asked to.
    """
    if engine == "deploy" and training:
        raise UnavailableError("deployed models do not train; choose --engine eager or compiled")
    if engine == "deploy" and precision == "fp64":
        raise UnavailableError("models are deployed in fp32 or less; choose --engine eager or compiled")
    if precision == "tf32" and device == "cpu":
        raise UnavailableError("tf32 is a precision of GPUs; choose fp32, or a GPU with --device")
    if layout not in layouts:
        raise UnavailableError(
            f"layout {layout} cannot be had: the layers get theirs when they are written, here "
            f"{', '.join(layouts)}; choose that with --layout"
        )
    if precision in ("bf16", "fp16") and device == "cpu" and engine not in mixed_on_cpu:
        raise UnavailableError(
            f"the {engine} engine computes {precision} on the CPU in float32 (paddle.amp.auto_cast warns "
            f"and casts nothing); choose --precision fp32 or fp64"
        )


def is_heavy(name: str) -> bool:
    """Whether an operation of this name is one in which a network's arithmetic lies."""
    return any(word in name.lower() for word in HEAVY)
