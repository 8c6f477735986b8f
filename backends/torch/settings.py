"""What decides speed and rounding beside the model: set alike on both sides, then read back.

https://docs.pytorch.org/docs/stable/notes/numerical_accuracy.html
"""

import torch


def versions():
    return {
        "torch": torch.__version__,
        "cuda": torch.version.cuda,
        "cudnn": str(torch.backends.cudnn.version()) if torch.cuda.is_available() else None,
        "libraries": _libraries(),
    }


def equalise(*, threads, device):
    torch.set_num_threads(threads)
    if device != "cpu":
        torch.backends.cuda.matmul.allow_tf32 = False
        torch.backends.cudnn.allow_tf32 = False
        torch.backends.cudnn.benchmark = False
        torch.backends.cudnn.deterministic = False


def read_settings(device):
    on_gpu = device != "cpu"
    return {
        "threads": torch.get_num_threads(),
        "tf32_matmul": torch.backends.cuda.matmul.allow_tf32 if on_gpu else None,
        "tf32_convolution": torch.backends.cudnn.allow_tf32 if on_gpu else None,
        "autotune": torch.backends.cudnn.benchmark if on_gpu else None,
        "deterministic": torch.backends.cudnn.deterministic if on_gpu else None,
    }


def _libraries():
    """The numeric libraries that torch says it was built with, as one line."""
    wanted = ("Math Kernel Library Version", "MKL-DNN", "OpenMP", "CPU capability")
    lines = [line.strip(" -") for line in torch.__config__.show().splitlines()]
    return "; ".join(line for line in lines if any(word in line for word in wanted))
