"""Mixed precision.

https://www.paddlepaddle.org.cn/documentation/docs/en/api/paddle/amp/Overview_en.html
"""

from contextlib import contextmanager, nullcontext

import paddle

from common.cli import UnavailableError

from .device import DTYPES

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


@contextmanager
def default_dtype(precision):
    before = paddle.get_default_dtype()
    paddle.set_default_dtype(DTYPES[precision])
    try:
        yield
    finally:
        paddle.set_default_dtype(before)
