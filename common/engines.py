"""Engines, whatever the framework: a way to compute logits, and what it cost to get it."""

import json
import shutil
import time
from collections.abc import Callable, Collection, Iterable, Mapping, Sequence
from dataclasses import dataclass
from itertools import zip_longest
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
    return {operation.dtype for operation in operations if _is_heavy(operation.name) and operation.dtype}


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


def kineto_operations(run: Callable[[], object], profile: Any, *, device: str) -> list[Operation]:
    """What ``profile``, torch's profiler, sees while something runs; see ``operations_of``."""
    with profile(record_shapes=True, use_device=None if device == "cpu" else "cuda", use_kineto=True) as seen:
        run()
    return operations_of(seen.kineto_results.events())


def operations_of(events: Iterable[Any]) -> list[Operation]:
    """The operations of torch's profiler that know the dtype of their first input, innermost ones only.

    The outer ones ("aten::conv2d") are entered before autocast has cast anything. On a GPU each is told with
    the longest of the kernels that it launched.
    """
    dtypes = {"float": "float32", "double": "float64", "c10::BFloat16": "bfloat16", "c10::Half": "float16"}
    launched: dict[int, list[Any]] = {}
    heavy = []
    for event in events:
        if event.device_type().name != "CPU":
            launched.setdefault(event.linked_correlation_id(), []).append(event)
        elif _is_heavy(event.name()):
            heavy.append(event)
    heavy.sort(key=lambda event: event.start_ns())
    inner = [
        event
        for event, after in zip_longest(heavy, heavy[1:])
        if after is None or after.start_ns() >= event.end_ns()
    ]
    return [
        Operation(event.name(), dtypes[event.dtypes()[0]], _kernel(event, launched))
        for event in inner
        if event.dtypes() and event.dtypes()[0] in dtypes
    ]


def _kernel(event: Any, launched: Mapping[int, Sequence[Any]]) -> str:
    """Whose code did it: on a GPU the kernel, without the types of its arguments; else the operation."""
    kernels = launched.get(event.correlation_id(), [])
    if not kernels:
        return str(event.name())
    longest = max(kernels, key=lambda kernel: kernel.duration_ns())
    return str(longest.name()).removeprefix("void ").partition("(")[0]


def _is_heavy(name: str) -> bool:
    return any(word in name.lower() for word in HEAVY)
