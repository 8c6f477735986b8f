"""Torch's namespace of spellings, and what an evaluation needs of it. Runs in torch's worker."""

import math
from collections.abc import Callable, Sequence
from importlib import import_module
from typing import Any

import numpy as np

from benchmarks.atlas.cases.spelling import MODULES
from benchmarks.atlas.probe import rules, words
from benchmarks.parity.probe.user_optimizers import as_paddle_does


class TorchWords(words.Words):
    """See Words."""

    backend = "torch"

    def __init__(self) -> None:
        import torch

        super().__init__()
        self.torch = torch
        self.tensor_type: Any = torch.Tensor

    def namespace(self) -> dict[str, Any]:
        """See Words."""
        modules: dict[str, Any] = {name: import_module(module) for name, module in MODULES["torch"].items()}
        return modules | {
            "updates": self.updates,
            "rates": self.rates,
            "clipped": self.clipped,
            "biased": rules.biased,
            "zeroed": rules.zeroed,
            "asked": self.asked,
            "part": self.part,
            "math": math,
            "float32": lambda number: float(np.float32(number)),
            "leaf": lambda tensor: self.tensor(self.to_numpy(tensor), gradient=True),
        }

    def set_dtype(self, dtype: str) -> None:
        """See Words."""
        self.torch.set_default_dtype(getattr(self.torch, dtype))

    def tensor(self, array: np.ndarray, *, gradient: bool) -> Any:
        """See Words."""
        made = self.torch.tensor(array)
        return made.requires_grad_(gradient and array.dtype.kind == "f")

    def is_layer(self, value: Any) -> bool:
        """See Words."""
        return isinstance(value, self.torch.nn.Module)

    def is_recorded(self, tensor: Any) -> bool:
        """See Words."""
        return bool(tensor.requires_grad)

    def backward(self, outputs: Sequence[Any], cotangents: Sequence[Any]) -> None:
        """See Words."""
        self.torch.autograd.backward(list(outputs), list(cotangents))

    def seed(self, number: int) -> None:
        """See Words."""
        self.torch.manual_seed(number)

    def part(self, layer: Any, place: int) -> Any:
        """The layer, returning one of its results alone."""
        layer.register_forward_hook(lambda _, __, outputs: outputs[place])
        return layer

    def updates(self, make: Callable[[Any], Any], start: Any, steps: int = 5) -> Any:
        """A parameter after updates with drawn gradients; ``make`` gives the optimizer of [parameter]."""
        parameter = self.torch.nn.Parameter(start.detach().clone())
        optimizer, mode = make([parameter]), self.optimizer_mode
        for step in range(steps):
            parameter.grad = self.torch.tensor(words.drawn_gradient(parameter.shape, step)).to(
                parameter.dtype
            )
            with as_paddle_does(optimizer, rounding=mode["rounding"], rule=mode["rule"]):
                optimizer.step()
        return parameter.detach()

    def rates(self, make: Callable[[Any], Any], steps: int = 12, rate: float = 0.1) -> list[float]:
        """Learning rates that an optimizer uses; ``make`` gives the schedule of an optimizer."""
        optimizer = self.torch.optim.SGD([self.torch.zeros(1, requires_grad=True)], lr=rate)
        schedule, found = make(optimizer), []
        for _ in range(steps):
            found.append(float(optimizer.param_groups[0]["lr"]))
            optimizer.step()
            schedule.step()
        return found

    def asked(self, make: Callable[[Any], Any], steps: int = 12, rate: float = 0.1) -> list[float]:
        """Learning rates that the schedule itself names."""
        optimizer = self.torch.optim.SGD([self.torch.zeros(1, requires_grad=True)], lr=rate)
        schedule, found = make(optimizer), []
        for _ in range(steps):
            found.append(float(schedule.get_last_lr()[0]))
            optimizer.step()
            schedule.step()
        return found

    def to_numpy(self, tensor: Any) -> np.ndarray:
        """See Words."""
        return np.array(tensor.detach().numpy(force=True))

    def clipped(self, clip: Callable[[list[Any]], Any], *gradients: Any) -> list[Any]:
        """Gradients after ``clip`` was given parameters that have them."""
        parameters = [self.torch.nn.Parameter(self.torch.zeros_like(gradient)) for gradient in gradients]
        for parameter, gradient in zip(parameters, gradients, strict=True):
            parameter.grad = gradient.detach().clone()
        clip(parameters)
        return [parameter.grad for parameter in parameters]
