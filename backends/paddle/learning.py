"""Mixed precision.

https://www.paddlepaddle.org.cn/documentation/docs/en/api/paddle/amp/Overview_en.html
"""

from contextlib import nullcontext

import paddle

MIXED = {"bf16": paddle.bfloat16, "fp16": paddle.float16}


def autocast(*, precision, device):
    if precision not in MIXED:
        return nullcontext()
    return paddle.amp.auto_cast(dtype={"bf16": "bfloat16", "fp16": "float16"}[precision])
