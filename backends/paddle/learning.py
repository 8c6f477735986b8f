"""What learning needs beside a step: precision, gradients as a whole, frozen parameters, dropout.

https://www.paddlepaddle.org.cn/documentation/docs/en/api/paddle/amp/Overview_en.html
"""

from contextlib import nullcontext

import paddle
from paddle import nn

from common.cli import UnavailableError

from .tensors import DTYPES, from_numpy

MIXED = {"bf16": paddle.bfloat16, "fp16": paddle.float16}


def require_training(*, precision, device):
    if precision in MIXED and device == "cpu":
        raise UnavailableError(
            f"paddle computes {precision} on the CPU in float32 (paddle.amp.auto_cast warns and casts "
            f"nothing); choose --precision fp32, or a GPU with --device"
        )
    if precision not in DTYPES | MIXED:
        raise UnavailableError(
            f"precision {precision!r} is no precision to train in here; choose fp32, fp64, bf16 or fp16"
        )


def autocast(*, precision, device):
    if precision not in MIXED:
        return nullcontext()
    return paddle.amp.auto_cast(dtype={"bf16": "bfloat16", "fp16": "float16"}[precision])


def gradient_norm(model):
    norms = [
        paddle.linalg.norm(parameter.grad) for parameter in model.parameters() if parameter.grad is not None
    ]
    return float(paddle.linalg.norm(paddle.stack(norms)))


def scale_gradients(model, factor):
    for parameter in model.parameters():
        if parameter.grad is not None:
            parameter.grad = parameter.grad * factor


def freeze(model, names):
    for name, parameter in model.named_parameters():
        if name in names:
            parameter.stop_gradient = True


def seed_dropout(seed):
    paddle.seed(seed)


def share_dropout(model, draw):
    dropouts = [layer for layer in model.sublayers() if isinstance(layer, nn.Dropout)]
    for position, layer in enumerate(dropouts):
        layer.forward = _masked(layer, lambda shape, p, position=position: draw(position, shape, p))


def _masked(layer, draw):
    def forward(x):
        if not layer.training or layer.p == 0:
            return x
        mask = draw(tuple(x.shape), layer.p)
        return x * from_numpy(mask, device=_device(x), precision="fp32").astype(x.dtype)

    return forward


def _device(x):
    return "cpu" if x.place.is_cpu_place() else f"gpu:{x.place.gpu_device_id()}"
