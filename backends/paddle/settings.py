"""What decides speed and rounding beside the model: set alike on both sides, then read back.

https://www.paddlepaddle.org.cn/documentation/docs/en/guides/flags/flags_en.html
"""

import paddle

from common.threads import openmp_threads

TF32_MATMUL = (paddle.base.core.get_cublas_switch, paddle.base.core.set_cublas_switch)
TF32_CONVOLUTION = (paddle.base.core.get_cudnn_switch, paddle.base.core.set_cudnn_switch)
AUTOTUNE, DETERMINISTIC = "FLAGS_cudnn_exhaustive_search", "FLAGS_cudnn_deterministic"


def versions():
    return {
        "paddle": paddle.__version__,
        "cuda": None if paddle.version.cuda() == "False" else paddle.version.cuda(),
        "cudnn": None if paddle.version.cudnn() == "False" else paddle.version.cudnn(),
        "libraries": f"MKL {paddle.version.mkl()}",
    }


def equalise(*, threads, device):
    paddle.base.core.set_num_threads(threads)
    if device != "cpu":
        TF32_MATMUL[1](False)
        TF32_CONVOLUTION[1](False)
        paddle.set_flags({AUTOTUNE: False, DETERMINISTIC: False})


def read_settings(device):
    on_gpu = device != "cpu"
    return {
        # paddle tells its thread count nowhere: its OpenMP library is asked instead.
        "threads": openmp_threads("/paddle/libs/"),
        "tf32_matmul": TF32_MATMUL[0]() if on_gpu else None,
        "tf32_convolution": TF32_CONVOLUTION[0]() if on_gpu else None,
        "autotune": _flag(AUTOTUNE) if on_gpu else None,
        "deterministic": _flag(DETERMINISTIC) if on_gpu else None,
    }


def _flag(name):
    return paddle.get_flags([name])[name]
