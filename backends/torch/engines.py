"""Ways to run a model for inference."""

import torch

from common.cli import UnavailableError

from .tensors import DTYPES


def require(*, engine, precision, device):
    if engine != "eager":
        raise UnavailableError(f"engine {engine!r} is not part of this version; choose --engine eager")
    if precision not in DTYPES:
        raise UnavailableError(
            f"precision {precision!r} is not part of this version for torch; choose --precision fp32 or fp64"
        )


def infer(model, images):
    with torch.no_grad():
        return model(images)
