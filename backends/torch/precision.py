"""Mixed precision.

https://docs.pytorch.org/docs/stable/amp.html
"""

from contextlib import contextmanager, nullcontext

import torch

from common.cli import UnavailableError

from .device import DTYPES

MIXED = {"bf16": torch.bfloat16, "fp16": torch.float16}


def require_training(*, precision, device):
    if precision == "fp16" and device == "cpu":
        raise UnavailableError(
            "torch trains in fp16 on a GPU alone; choose --precision fp32 or bf16, or a GPU with --device"
        )
    if precision not in DTYPES | MIXED:
        raise UnavailableError(
            f"precision {precision!r} is no precision to train in here; choose fp32, fp64, bf16 or fp16"
        )


def autocast(*, precision, device):
    if precision not in MIXED:
        return nullcontext()
    return torch.autocast("cpu" if device == "cpu" else "cuda", dtype=MIXED[precision])


@contextmanager
def default_dtype(precision):
    before = torch.get_default_dtype()
    torch.set_default_dtype(DTYPES[precision])
    try:
        yield
    finally:
        torch.set_default_dtype(before)
