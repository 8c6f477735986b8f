"""What an evaluation needs of a framework: tensors, gradients, and the namespace of spellings."""

import inspect
from abc import ABC, abstractmethod
from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np


class Words(ABC):
    """One framework's side."""

    backend: str
    tensor_type: Any

    def __init__(self) -> None:
        self.optimizer_mode = {"rounding": False, "rule": False}  # see user_optimizers.as_paddle_does

    @abstractmethod
    def namespace(self) -> dict[str, Any]:
        """Names that a spelling may use: the framework's modules, and helpers that have no name there."""

    @abstractmethod
    def set_dtype(self, dtype: str) -> None:
        """Make it the dtype of new layers and parameters."""

    @abstractmethod
    def tensor(self, array: np.ndarray, *, gradient: bool) -> Any:
        """A tensor of the array's dtype."""

    @abstractmethod
    def is_layer(self, value: Any) -> bool:
        """True for a Module or Layer."""

    @abstractmethod
    def is_recorded(self, tensor: Any) -> bool:
        """True if gradients can flow back from a tensor."""

    @abstractmethod
    def backward(self, outputs: Sequence[Any], cotangents: Sequence[Any]) -> None:
        """Have every leaf accumulate its gradient."""

    @abstractmethod
    def seed(self, number: int) -> None:
        """Seed the generator."""

    def to_numpy(self, tensor: Any) -> np.ndarray:
        """A copy of a tensor's numbers."""
        return np.array(tensor.detach().numpy())


def signature_of(function: Any) -> Mapping[str, inspect.Parameter]:
    """Parameters by name; none where Python cannot tell, as of functions written in C++."""
    try:
        return inspect.signature(function).parameters
    except (TypeError, ValueError):
        return {}


def drawn_gradient(shape: Sequence[int], step: int) -> np.ndarray:
    """The gradient of an optimizer's step, of float32's numbers."""
    drawn = np.random.default_rng((7, step)).standard_normal(tuple(shape))
    return drawn.astype(np.float32).astype(np.float64)
