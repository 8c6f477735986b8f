"""Ways to run a model for inference."""

import paddle

from common.cli import UnavailableError

from .tensors import DTYPES


def require(*, engine, precision, device):
    if engine != "eager":
        raise UnavailableError(f"engine {engine!r} is not part of this version; choose --engine eager")
    if precision in ("bf16", "fp16") and device == "cpu":
        raise UnavailableError(
            f"paddle's eager engine computes {precision} on the CPU in float32 (paddle.amp.auto_cast "
            f"warns and casts nothing); choose --precision fp32 or fp64"
        )
    if precision not in DTYPES:
        raise UnavailableError(
            f"precision {precision!r} is not part of this version for paddle; choose --precision fp32 or fp64"
        )


def infer(model, images):
    with paddle.no_grad():
        return model(images)
