"""An engine is timed only after proof: that it computes what eager float64 computes, and in which dtype."""

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import numpy as np

from backends import Backend
from common.cli import UnavailableError
from common.engines.engine import Operation, dtypes_that_ran
from common.weights import safetensors_file

# Relative L2 of the logits from eager float64: what rounding may do. Measured on the five models, random
# weights: fp32 2e-7 to 3e-6, bf16 4e-3 to 2e-2, so a wrong weight or a lost bias is far outside.
ERROR_LIMITS = {"fp64": 1e-10, "fp32": 1e-4, "tf32": 1e-2, "fp16": 2e-2, "bf16": 6e-2}
DTYPES = {"fp64": "float64", "fp32": "float32", "tf32": "float32", "fp16": "float16", "bf16": "bfloat16"}
CHECKED_IMAGES = 8  # at most, spread over the batch: float64 is slow, and each image's logits are its own


def spread(batch_size: int) -> list[int]:
    """The images of a batch that are checked: its first, its last, and some between."""
    return sorted(
        set(np.linspace(0, batch_size - 1, min(batch_size, CHECKED_IMAGES)).round().astype(int).tolist())
    )


def reference_logits(
    backend: Backend, build: dict[str, Any], *, weights: str, images: np.ndarray
) -> np.ndarray:
    """Logits of the eager engine in float64 on the CPU."""
    model = backend.build(**build | {"precision": "fp64", "device": "cpu"})
    backend.set_weights(model, safetensors_file.load(Path(weights)))
    backend.set_training(model, False)
    tensor = backend.from_numpy(np.ascontiguousarray(images), device="cpu", precision="fp64")
    logits = backend.to_numpy(backend.infer(model, tensor))
    if build["device"] != "cpu":  # building for the CPU made it the device of what comes next
        backend.build(**build)
    return logits


def arithmetic(precision: str, settings: Mapping[str, Any]) -> str:
    """The precision that rounds as the settings in force do: as installed, fp32 on a GPU may be TF32."""
    tf32 = settings["tf32_matmul"] or settings["tf32_convolution"]
    return "tf32" if precision == "fp32" and tf32 else precision


def require_right(logits: np.ndarray, reference: np.ndarray, *, engine: str, precision: str) -> float:
    """The relative L2 distance; UnavailableError where it is more than rounding, or not a number."""
    distance = float(np.linalg.norm(logits.astype(np.float64) - reference) / np.linalg.norm(reference))
    limit = ERROR_LIMITS[precision]
    if not distance <= limit:
        raise UnavailableError(
            f"the {engine} engine computes something else: its logits in {precision} are {distance:.1e} "
            f"(relative L2) from eager float64, where rounding explains {limit:.0e}; it is not timed"
        )
    return distance


def require_dtype(operations: Sequence[Operation], *, engine: str, precision: str) -> str | None:
    """The dtype in which the arithmetic ran; None if nothing told. UnavailableError if it is another."""
    ran = dtypes_that_ran(operations)
    if not ran and precision in ("bf16", "fp16"):
        raise UnavailableError(
            f"whether the {engine} engine really computes in {precision} cannot be told here"
        )
    if ran and ran != {DTYPES[precision]}:
        raise UnavailableError(
            f"asked for {precision}, the {engine} engine computed in {' and '.join(sorted(ran))}; "
            f"it is not timed under a name that is not its own"
        )
    return DTYPES[precision] if ran else None
