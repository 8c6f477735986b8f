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
from .engines import compiled, export_onnx, infer, lay_out, make_engine, operations, require
from .feeding import feed
from .files import save_weights
from .inspection import trace
from .layers import isolate_layers, matrix_product
from .learning import (
    autocast,
    freeze,
    gradient_norm,
    require_training,
    scale_gradients,
    seed_dropout,
)
from .models import adopt, build, set_training
from .native import native_loader
from .processes import introduce, join, launched, leave, replicate, sum_over_processes, unsynchronised
from .recording import record, run_layer
from .settings import equalise, read_settings
from .state import describe, get_buffers, get_learning_rate, get_moments, set_buffers, set_learning_rate
from .tensors import from_numpy, to_numpy
from .training import (
    backward,
    clear_gradients,
    compute_loss,
    make_optimizer,
    set_moments,
    train_step,
    update,
)
from .weights import get_gradients, get_weights, parameter_shapes, set_gradients, set_weights

__all__ = [
    "adopt",
    "autocast",
    "backward",
    "build",
    "clear_gradients",
    "compiled",
    "compute_loss",
    "describe",
    "equalise",
    "export_onnx",
    "feed",
    "find_device",
    "freeze",
    "from_numpy",
    "get_buffers",
    "get_gradients",
    "get_learning_rate",
    "get_moments",
    "get_weights",
    "gradient_norm",
    "infer",
    "introduce",
    "is_out_of_memory",
    "isolate_layers",
    "join",
    "launched",
    "lay_out",
    "leave",
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
    "replicate",
    "require",
    "require_training",
    "reset_peak_memory",
    "run_layer",
    "save_weights",
    "scale_gradients",
    "seconds_between",
    "seed_dropout",
    "set_buffers",
    "set_gradients",
    "set_learning_rate",
    "set_moments",
    "set_training",
    "set_weights",
    "sum_over_processes",
    "synchronize",
    "to_numpy",
    "trace",
    "train_step",
    "unsynchronised",
    "update",
    "versions",
]
