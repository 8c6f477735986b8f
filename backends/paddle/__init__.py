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
from .dropout import masked_dropout, measure_dropout
from .engines import compiled, infer, lay_out, make_engine, operations, require
from .feeding import feed
from .inspection import trace
from .layers import isolate_layers, matrix_product
from .learning import autocast
from .models import adopt, build, set_training
from .native import native_loader
from .recording import record, run_layer
from .settings import equalise, read_settings
from .state import describe, get_buffers, get_learning_rate, get_moments, set_buffers, set_learning_rate
from .tensors import from_numpy, to_numpy
from .training import backward, compute_loss, make_optimizer, train_step, update
from .weights import get_gradients, get_weights, parameter_shapes, set_gradients, set_weights

__all__ = [
    "adopt",
    "autocast",
    "backward",
    "build",
    "compiled",
    "compute_loss",
    "describe",
    "equalise",
    "feed",
    "find_device",
    "from_numpy",
    "get_buffers",
    "get_gradients",
    "get_learning_rate",
    "get_moments",
    "get_weights",
    "infer",
    "is_out_of_memory",
    "isolate_layers",
    "lay_out",
    "make_engine",
    "make_optimizer",
    "mark",
    "masked_dropout",
    "matrix_product",
    "measure_dropout",
    "native_loader",
    "operations",
    "parameter_shapes",
    "peak_memory_bytes",
    "read_settings",
    "record",
    "require",
    "reset_peak_memory",
    "run_layer",
    "seconds_between",
    "set_buffers",
    "set_gradients",
    "set_learning_rate",
    "set_training",
    "set_weights",
    "synchronize",
    "to_numpy",
    "trace",
    "train_step",
    "update",
    "versions",
]
