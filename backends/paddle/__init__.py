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
from .engines import infer, require
from .feeding import feed
from .files import save_weights
from .inspection import trace
from .learning import (
    autocast,
    freeze,
    gradient_norm,
    require_training,
    scale_gradients,
    seed_dropout,
    set_learning_rate,
    share_dropout,
)
from .models import build, set_training
from .native import native_loader
from .processes import join, launched, leave, replicate, sum_over_processes, unsynchronised
from .settings import equalise, read_settings
from .state import get_optimizer_state, set_optimizer_state
from .tensors import from_numpy, to_numpy
from .training import backward, clear_gradients, compute_loss, make_optimizer, train_step, update
from .weights import get_gradients, get_weights, parameter_shapes, set_gradients, set_weights

__all__ = [
    "autocast",
    "backward",
    "build",
    "clear_gradients",
    "compute_loss",
    "equalise",
    "feed",
    "find_device",
    "freeze",
    "from_numpy",
    "get_gradients",
    "get_optimizer_state",
    "get_weights",
    "gradient_norm",
    "infer",
    "is_out_of_memory",
    "join",
    "launched",
    "leave",
    "make_optimizer",
    "mark",
    "native_loader",
    "parameter_shapes",
    "peak_memory_bytes",
    "read_settings",
    "replicate",
    "require",
    "require_training",
    "reset_peak_memory",
    "save_weights",
    "scale_gradients",
    "seconds_between",
    "seed_dropout",
    "set_gradients",
    "set_learning_rate",
    "set_optimizer_state",
    "set_training",
    "set_weights",
    "share_dropout",
    "sum_over_processes",
    "synchronize",
    "to_numpy",
    "trace",
    "train_step",
    "unsynchronised",
    "update",
    "versions",
]
