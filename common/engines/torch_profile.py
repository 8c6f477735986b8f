"""What torch computed, and in which dtype: told by its profiler, or by oneDNN."""

from collections.abc import Callable, Iterable, Mapping, Sequence
from itertools import zip_longest
from typing import Any

from common.engines.engine import Operation, is_heavy
from common.engines.onednn import onednn_operations


def torch_operations(run: Callable[[], object], torch: Any, *, engine: str, device: str) -> list[Operation]:
    """What computes while something runs in an engine. ``torch`` is the framework."""
    if engine == "deploy" and device == "cpu":  # frozen, it calls its kernels past what the profiler sees
        return onednn_operations(run, torch.backends.mkldnn.verbose(1))
    # Not torch.profiler.profile, which is made of the same: it imports the compiler, 2 s of every process.
    on = None if device == "cpu" else "cuda"
    with torch.autograd.profiler.profile(record_shapes=True, use_device=on, use_kineto=True) as seen:
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
        elif is_heavy(event.name()):
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
