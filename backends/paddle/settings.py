"""Settings that decide speed and rounding: set alike on both sides, then read back.

https://www.paddlepaddle.org.cn/documentation/docs/en/guides/flags/flags_en.html
"""

from functools import partial

import paddle
from paddle.base import core

from common.runtime.devices import openmp_threads
from common.runtime.settings import Setting, Settings


def _flag(name):
    return Setting(lambda: paddle.get_flags([name])[name], lambda on: paddle.set_flags({name: on}))


def _core(name, *values):  # looked up when called: paddle 3.0 without CUDA has no switches
    return getattr(core, name)(*values)


# paddle reports its thread count nowhere: its OpenMP library is asked.
THREADS = Setting(lambda: openmp_threads("/paddle/libs/"), core.set_num_threads)
TF32_MATMUL = Setting(partial(_core, "get_cublas_switch"), partial(_core, "set_cublas_switch"))
TF32_CONVOLUTION = Setting(partial(_core, "get_cudnn_switch"), partial(_core, "set_cudnn_switch"))
AUTOTUNE = _flag("FLAGS_cudnn_exhaustive_search")
DETERMINISTIC = _flag("FLAGS_cudnn_deterministic")


def equalise(*, threads, device, tf32=False):
    THREADS.write(threads)
    if device != "cpu":
        TF32_MATMUL.write(tf32)
        TF32_CONVOLUTION.write(tf32)
        AUTOTUNE.write(False)
        DETERMINISTIC.write(False)


def read_settings(device):
    on_gpu = device != "cpu"
    return Settings(
        threads=THREADS.read(),
        tf32_matmul=TF32_MATMUL.read() if on_gpu else None,
        tf32_convolution=TF32_CONVOLUTION.read() if on_gpu else None,
        autotune=AUTOTUNE.read() if on_gpu else None,
        deterministic=DETERMINISTIC.read() if on_gpu else None,
    )
