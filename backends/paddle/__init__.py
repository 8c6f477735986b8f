"""The contract of ``backends``, fulfilled with PaddlePaddle."""

from .device import (
    find_device,
    is_out_of_memory,
    mark,
    peak_memory_bytes,
    reset_peak_memory,
    seconds_between,
    synchronize,
    versions,
)
from .engines import compiled, infer, lay_out, make_engine, operations, require
from .feeding import feed
from .inspection import trace
from .layers import isolate_layers, matrix_product
from .learning import autocast
from .models import build, set_training
from .native import native_loader
from .settings import equalise, read_settings
from .tensors import from_numpy, to_numpy
from .training import backward, compute_loss, make_optimizer, train_step, update
from .weights import get_gradients, get_weights, parameter_shapes, set_gradients, set_weights

__all__ = [
    "autocast",
    "backward",
    "build",
    "compiled",
    "compute_loss",
    "equalise",
    "feed",
    "find_device",
    "from_numpy",
    "get_gradients",
    "get_weights",
    "infer",
    "is_out_of_memory",
    "isolate_layers",
    "lay_out",
    "make_engine",
    "make_optimizer",
    "mark",
    "matrix_product",
    "native_loader",
    "operations",
    "parameter_shapes",
    "peak_memory_bytes",
    "read_settings",
    "require",
    "reset_peak_memory",
    "seconds_between",
    "set_gradients",
    "set_training",
    "set_weights",
    "synchronize",
    "to_numpy",
    "trace",
    "train_step",
    "update",
    "versions",
]
