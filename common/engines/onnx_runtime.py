"""ONNX Runtime as an engine that belongs to neither framework: what both export, it computes.

https://onnxruntime.ai/docs/api/python/api_summary.html
"""

import importlib.util
import json
import sys
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import numpy as np

from common.cli import UnavailableError
from common.engines.engine import Operation

PROVIDER = "CPUExecutionProvider"
DTYPES = {"float": "float32", "float16": "float16", "bfloat16": "bfloat16", "double": "float64"}


def require_packages(names: Sequence[str]) -> None:
    """Raise UnavailableError, with the pip line, if this interpreter lacks some of them."""
    missing = [name for name in names if importlib.util.find_spec(name) is None]
    if missing:
        raise UnavailableError(
            f"{sys.executable} has no {' and no '.join(missing)}; install with: "
            f"{sys.executable} -m pip install {' '.join(missing)}"
        )


class OnnxModel:
    """An ONNX file in ONNX Runtime, computing with so many threads (None: as it chooses)."""

    def __init__(self, path: Path, *, threads: int | None) -> None:
        self._path, self._threads = path, threads
        self._session = self._open()
        self._input = self._session.get_inputs()[0].name

    def run(self, images: np.ndarray) -> np.ndarray:
        """Logits (batch, classes) of images (batch, channels, height, width), both float32."""
        logits: np.ndarray = self._session.run(None, {self._input: images})[0]
        return logits

    def operations(self, images: np.ndarray) -> list[Operation]:
        """Kernels and the dtype of their first input, from ONNX Runtime's profile of one run."""
        session = self._open(profile_prefix=str(self._path.with_suffix("")))
        session.run(None, {self._input: images})
        profile = Path(session.end_profiling())
        events = json.loads(profile.read_text(encoding="utf-8"))
        profile.unlink()
        return read_profile(events)

    def _open(self, *, profile_prefix: str | None = None) -> Any:
        import onnxruntime

        options = onnxruntime.SessionOptions()
        options.log_severity_level = 3  # errors alone: warnings are about the exporters' habits
        if self._threads:
            options.intra_op_num_threads = self._threads
        if profile_prefix:
            options.enable_profiling, options.profile_file_prefix = True, profile_prefix
        return onnxruntime.InferenceSession(str(self._path), options, providers=[PROVIDER])


def read_profile(events: Sequence[dict[str, Any]]) -> list[Operation]:
    """The nodes of a profile, in order."""
    found = []
    for event in events:
        facts = event.get("args", {})
        shapes = facts.get("input_type_shape")
        if event.get("cat") == "Node" and shapes:
            name, dtype = facts["op_name"], next(iter(shapes[0]))
            found.append(Operation(name, DTYPES.get(dtype, dtype), f"ONNX Runtime {name}"))
    return found
