"""What learning needs beside a step: precision, gradients as a whole, frozen parameters, dropout.

https://docs.pytorch.org/docs/stable/amp.html
"""

from contextlib import nullcontext

import torch

from common.cli import UnavailableError

from .tensors import DTYPES

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


def gradient_norm(model):
    norms = [
        torch.linalg.norm(parameter.grad) for parameter in model.parameters() if parameter.grad is not None
    ]
    return float(torch.linalg.norm(torch.stack(norms)))


def scale_gradients(model, factor):
    for parameter in model.parameters():
        if parameter.grad is not None:
            parameter.grad = parameter.grad * factor


def freeze(model, names):
    for name, parameter in model.named_parameters():
        if name in names:
            parameter.requires_grad = False


def seed_dropout(seed):
    # Not torch.manual_seed: without a GPU it queues a call for one, with a stack trace, every time.
    torch.default_generator.manual_seed(seed)
    if torch.cuda.is_initialized():
        torch.cuda.manual_seed(seed)
