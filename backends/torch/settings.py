"""Settings that decide speed and rounding: set alike on both sides, then read back.

https://docs.pytorch.org/docs/stable/notes/numerical_accuracy.html
"""

import torch
from torch.backends import cuda, cudnn

from common.runtime.settings import Setting, Settings


def _flag(name, owner=cudnn):
    return Setting(lambda: getattr(owner, name), lambda on: setattr(owner, name, on))


THREADS = Setting(torch.get_num_threads, torch.set_num_threads)
TF32_MATMUL = _flag("allow_tf32", cuda.matmul)
TF32_CONVOLUTION = _flag("allow_tf32")
AUTOTUNE = _flag("benchmark")
DETERMINISTIC = _flag("deterministic")


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
