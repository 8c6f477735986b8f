"""An engine: a way to compute logits, and what it cost to get it, whatever the framework."""

import json
import shutil
import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any, NamedTuple, Protocol

from common.files import write_text

FACTS = "compiled.json"  # written last: a folder without it was left by a process that died
HEAVY = ("conv", "linear", "addmm", "matmul", "inner_product", "mm")  # where a network's arithmetic lies
CASTS = ("quantizelinear",)  # ONNX's words for a change of type


class Operation(NamedTuple):
    """One thing that computed: its name, the dtype it computed in ("float32", ...), and whose code it is."""

    name: str
    dtype: str
    kernel: str | None = None


@dataclass(frozen=True, kw_only=True)
class Engine:
    """Runner of a model: ``run(images)`` returns logits, still on the device.

    Seconds are None where nothing was done.

    ``operations(images)`` runs once more and returns what computed, in which dtype.
    """

    run: Callable[[Any], Any]
    operations: Callable[[Any], list[Operation]]
    compile_seconds: float | None = None
    load_seconds: float | None = None


class Layer(Protocol):
    """One layer with the input that it has inside its model."""

    name: str
    type: str  # torch's word
    input_shape: list[int] | None  # of its first tensor, with the batch; None where there is none
    output_shape: list[int] | None

    def forward(self) -> None:
        """Compute the output, recorded for gradients. Waits for nothing."""

    def backward(self) -> None:
        """Compute the gradients that training needs of the output of ``forward``.

        Waits for nothing.
        """


def timed(action: Callable[[], Any], wait: Callable[[], object]) -> tuple[Any, float]:
    """Return an action's result, and the seconds until the device has done it."""
    wait()
    start = time.perf_counter()
    result = action()
    wait()
    return result, time.perf_counter() - start


def compiled_ahead(folder: Path, export: Callable[[Path], object], wait: Callable[[], object]) -> float:
    """Have ``export(folder)`` done, unless an earlier process did it.

    Returns the seconds that the export took.
    """
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


def is_heavy(name: str) -> bool:
    """True for an operation that holds a network's arithmetic, by its name."""
    return any(word in name.lower() for word in HEAVY) and not name.lower().endswith(CASTS)
