"""Mixed precision.

https://docs.pytorch.org/docs/stable/amp.html
"""

from contextlib import nullcontext

import torch

MIXED = {"bf16": torch.bfloat16, "fp16": torch.float16}


def autocast(*, precision, device):
    if precision not in MIXED:
        return nullcontext()
    return torch.autocast("cpu" if device == "cpu" else "cuda", dtype=MIXED[precision])
