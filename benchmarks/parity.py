"""Do both frameworks compute the same? float64 decides: equal weights, equal input, every gradient.

    python -m benchmarks.parity --model lenet5

A tensor passes if the two sides differ by at most 1e-12 of its length (relative L2). A larger gap that
comes from a constant which paddle keeps in float32 passes only if torch, given the same rounded
constant, agrees to 1e-12 (see known_rounding.py).
"""

import argparse
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any, Protocol

import numpy as np

from benchmarks.known_rounding import KNOWN_ROUNDINGS, KnownRounding
from common import initial, tensor_file

TOLERANCE = 1e-12
BATCH_SIZE = 2
PASS, KNOWN, FAIL = "pass", "pass (known rounding)", "fail"
STAGES = ("parameters", "forward", "loss", "gradients")


class Side(Protocol):
    """One backend that can be asked for tasks: a worker, or tasks in this process."""

    def ask(self, task: str, **arguments: Any) -> Any:
        """Have one task done and return its result."""


@dataclass(frozen=True, kw_only=True)
class Subject:
    """What is compared: a model by name and its size, and the seed of weights and images."""

    model: str
    num_classes: int
    input_shape: tuple[int, int, int]
    seed: int = 0
    batch_size: int = BATCH_SIZE

    def build(self, *, precision: str, device: str) -> dict[str, Any]:
        """Arguments of Backend.build."""
        return {
            "name": self.model,
            "num_classes": self.num_classes,
            "channels": self.input_shape[0],
            "precision": precision,
            "device": device,
        }


@dataclass(frozen=True, kw_only=True)
class TensorGap:
    """How far one tensor of the two sides is apart; relative to torch's length."""

    name: str
    shape: tuple[int, ...]
    relative_l2: float
    max_abs: float
    verdict: str
    constant: str | None = None


def gate(torch_side: Side, paddle_side: Side, *, subject: Subject, weights: Path, scratch: Path) -> dict[str, Any]:
    """Compare both sides in float64 on the CPU; returns the "parity" object of a result file.

    ``weights`` are given to both. Intermediate files live in ``scratch`` and are removed.
    """
    inputs, captured = scratch / "parity-inputs.safetensors", {}
    tensor_file.save(inputs, draw_batch(subject))
    files = {name: scratch / f"parity-{name}.safetensors" for name in ("torch", "paddle", "rounded")}
    build = subject.build(precision="fp64", device="cpu")
    try:
        for side, name in ((torch_side, "torch"), (paddle_side, "paddle")):
            captured[name] = side.ask(
                "capture", build=build, weights=str(weights), inputs=str(inputs), target=str(files[name])
            )
        entries = _require_equal_entries(captured)
        gaps = {name: _gap(name, files) for name in entries}
        suspects = _explicable(gaps, captured["torch"]["layers"])
        for key, names in suspects.items():
            torch_side.ask(
                "capture",
                build=build,
                weights=str(weights),
                inputs=str(inputs),
                target=str(files["rounded"]),
                rounding=[key],
            )
            rounded = {"torch": files["rounded"], "paddle": files["paddle"]}
            gaps |= {name: _excused(gaps[name], _gap(name, rounded), KNOWN_ROUNDINGS[key]) for name in names}
    finally:
        for path in (inputs, *files.values()):
            path.unlink(missing_ok=True)
    return _verdict(gaps, captured["torch"]["layers"])


def draw_batch(subject: Subject) -> dict[str, np.ndarray]:
    """Images like normalised photographs, N(0, 1), and labels: the same for both sides."""
    rng = np.random.default_rng((subject.seed, subject.batch_size))
    shape = (subject.batch_size, *subject.input_shape)
    return {
        "images": rng.standard_normal(shape, dtype=np.float32),
        "labels": rng.integers(subject.num_classes, size=subject.batch_size),
    }


def draw_weights(torch_side: Side, paddle_side: Side, *, subject: Subject, path: Path) -> dict[str, Any]:
    """Write one set of weights for both sides; returns a failed verdict if their parameters differ."""
    raise NotImplementedError


def relative_l2(left: np.ndarray, right: np.ndarray) -> tuple[float, float]:
    """(length of the difference over the length of ``left``, largest difference).

    Two zero tensors agree; against a zero tensor anything else is infinitely far, and so is a tensor
    of another shape or one with NaN or infinity in it.
    """
    if left.shape != right.shape or not (np.isfinite(left).all() and np.isfinite(right).all()):
        return float("inf"), float("inf")
    difference = left.astype(np.float64) - right.astype(np.float64)
    distance, length = _length(difference), _length(left)
    largest = float(np.abs(difference).max(initial=0.0))
    if distance == 0:
        return 0.0, 0.0
    return (distance / length if length else float("inf")), largest
