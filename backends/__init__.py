"""One framework at a time, behind one contract.

backend = backends.load("paddle")      # never `from backends import paddle`
"""

import common  # noqa: F401, I001 (first of all: it ends a command in one line from the first moment)
import importlib
import os
import sys
from typing import cast

from backends.contract import (
    ENGINES,
    NAMES,
    OPTIMIZERS,
    PRECISIONS,
    Backend,
    Computed,
    Model,
    Moment,
    Optimizer,
    Tensor,
)
from common.runtime.framework_import import framework_import

__all__ = [
    "ENGINES",
    "NAMES",
    "OPTIMIZERS",
    "PRECISIONS",
    "Backend",
    "Computed",
    "Model",
    "Moment",
    "Optimizer",
    "Tensor",
    "interpreter",
    "load",
]


def load(name: str) -> Backend:
    """Import a backend by name. Raises ImportError if its framework cannot be imported."""
    if name not in NAMES:
        raise ValueError(f"unknown backend {name!r}; choose one of {', '.join(NAMES)}")
    with framework_import():
        return cast(Backend, importlib.import_module(f"backends.{name}"))


def interpreter(name: str) -> str:
    """The Python that runs a backend: TORCH_PYTHON or PADDLE_PYTHON, else the running one."""
    return os.environ.get(f"{name.upper()}_PYTHON") or sys.executable
