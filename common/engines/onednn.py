"""What oneDNN really ran, told by oneDNN itself: dtypes and kernels.

https://uxlfoundation.github.io/oneDNN/dev_guide_verbose.html
"""

import ctypes
import os
import sys
import tempfile
from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager, contextmanager
from pathlib import Path

from common.engines.engine import Operation

DTYPES = {"f32": "float32", "f64": "float64", "bf16": "bfloat16", "f16": "float16", "s8": "int8"}
NAMES_AT = 5  # of the fields "onednn_verbose,v1,primitive,exec,cpu,convolution,brg_conv_fwd:avx2,..."


def library(folder: str) -> ctypes.CDLL | None:
    """The oneDNN that was loaded from a path containing ``folder``; None where there is none."""
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
    """What an action writes on file descriptor 1, from below Python."""
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
