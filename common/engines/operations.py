"""Kernels that oneDNN and torch's profiler report, with their dtypes.

https://uxlfoundation.github.io/oneDNN/dev_guide_verbose.html
"""

import ctypes
import os
import sys
import tempfile
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from contextlib import AbstractContextManager, contextmanager
from itertools import zip_longest
from pathlib import Path
from typing import Any

from common.engines.engine import Operation, is_heavy
from common.engines.kinds import ENGINE_KINDS

DTYPES = {
    "f32": "float32",
    "f64": "float64",
    "bf16": "bfloat16",
    "f16": "float16",
    "s8": "int8",
    "u8": "uint8",
}
NAMES_AT = 5  # of the fields "onednn_verbose,v1,primitive,exec,cpu,convolution,brg_conv_fwd:avx2,..."


def library(folder: str) -> ctypes.CDLL | None:
    """The oneDNN that was loaded from a path containing ``folder``.

    Returns None where there is none.
    """
    maps = Path("/proc/self/maps")
    loaded = {line.split()[-1] for line in maps.read_text().splitlines()} if maps.exists() else set()
    paths = sorted(path for path in loaded if folder in path and "libdnnl" in path)
    return ctypes.CDLL(paths[0]) if paths else None


def onednn_operations(
    action: Callable[[], object], verbose: AbstractContextManager[object]
) -> list[Operation]:
    """Run an action while oneDNN is ``verbose``, and list the primitives that it executed."""
    with verbose:
        return parsed(_stdout_of(action))


@contextmanager
def verbose(folder: str) -> Iterator[None]:
    """Have the oneDNN that was loaded from a path with ``folder`` in it say what it does, if there is one."""
    dnnl = library(folder)
    if dnnl is None:
        yield
        return
    dnnl.dnnl_set_verbose(1)
    try:
        yield
    finally:
        dnnl.dnnl_set_verbose(0)


def parsed(text: str) -> list[Operation]:
    """The primitives of a verbose log, with the dtype of their source."""
    found = []
    for line in text.splitlines():
        fields = line.split(",")
        if line.startswith("onednn_verbose") and fields[3:4] == ["exec"]:
            name, kernel = fields[NAMES_AT : NAMES_AT + 2]
            # The source's dtype: "src:f32:a:blocked:acdb::f0", or "src_f32::blocked:..." before 3.5.
            described = next((word for word in line.replace("src_", "src:").split() if "src:" in word), "")
            dtype = described.partition("src:")[2].partition(":")[0]
            found.append(Operation(name, DTYPES.get(dtype, dtype), f"oneDNN {kernel}"))
    return found


def _stdout_of(action: Callable[[], object]) -> str:
    """Capture what an action writes on file descriptor 1, from below Python."""
    sys.stdout.flush()
    ours = os.dup(1)
    with tempfile.TemporaryFile() as log:
        os.dup2(log.fileno(), 1)
        try:
            action()
            ctypes.CDLL(None).fflush(None)
        finally:
            os.dup2(ours, 1)
            os.close(ours)
        log.seek(0)
        return log.read().decode(errors="replace")


def torch_operations(run: Callable[[], object], torch: Any, *, engine: str, device: str) -> list[Operation]:
    """Record the operations that run in an engine. ``torch`` is the framework."""
    if (
        ENGINE_KINDS[engine].compiles == "ahead" and device == "cpu"
    ):  # frozen, it calls its kernels past what the profiler sees
        return onednn_operations(run, torch.backends.mkldnn.verbose(1))
    # Not torch.profiler.profile, which is made of the same: it imports the compiler, 2 s of every process.
    on = None if device == "cpu" else "cuda"
    with torch.autograd.profiler.profile(record_shapes=True, use_device=on, use_kineto=True) as seen:
        run()
    return operations_of(seen.kineto_results.events())


def operations_of(events: Iterable[Any]) -> list[Operation]:
    """The operations of torch's profiler that know the dtype of their first input, innermost ones only.

    The outer ones ("aten::conv2d") are entered before autocast has cast anything. On a GPU each has the
    longest of the kernels that it launched.
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
