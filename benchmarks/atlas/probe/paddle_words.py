"""Paddle's namespace of spellings, and what an evaluation needs of it. Runs in paddle's worker."""

from collections.abc import Callable, Sequence
from importlib import import_module
from typing import Any

import numpy as np

from benchmarks.atlas.cases.spelling import MODULES
from benchmarks.atlas.probe import words


class PaddleWords(words.Words):
    """See Words."""

    backend = "paddle"

    def __init__(self) -> None:
        import paddle

        super().__init__()
        self.paddle = paddle
        self.tensor_type: Any = paddle.Tensor

    def namespace(self) -> dict[str, Any]:
        """See Words."""
        modules = {name: import_module(module) for name, module in MODULES["paddle"].items()}
        return modules | {
            "updates": self.updates,
            "rates": self.rates,
            "clipped": self.clipped,
            "drawn": self.drawn,
            "asked": self.asked,
            "part": self.part,
            "leaf": lambda tensor: self.tensor(self.to_numpy(tensor), gradient=True),
        }

    def set_dtype(self, dtype: str) -> None:
        """See Words."""
        self.paddle.set_default_dtype(dtype)

    def tensor(self, array: np.ndarray, *, gradient: bool) -> Any:
        """See Words."""
        return self.paddle.to_tensor(array, stop_gradient=not (gradient and array.dtype.kind == "f"))

    def is_layer(self, value: Any) -> bool:
        """See Words."""
        return isinstance(value, self.paddle.nn.Layer)

    def is_recorded(self, tensor: Any) -> bool:
        """See Words."""
        return not tensor.stop_gradient

    def backward(self, outputs: Sequence[Any], cotangents: Sequence[Any]) -> None:
        """See Words."""
        self.paddle.autograd.backward(list(outputs), list(cotangents))

    def seed(self, number: int) -> None:
        """See Words."""
        self.paddle.seed(number)

    def part(self, layer: Any, place: int) -> Any:
        """The layer, returning one of its results alone."""
        layer.register_forward_post_hook(lambda _, __, outputs: outputs[place])
        return layer

    def drawn(self, initializer: Any, *shape: int) -> Any:
        """A new parameter, filled by an initializer."""
        return self.paddle.create_parameter(
            list(shape), self.paddle.get_default_dtype(), default_initializer=initializer
        )

    def updates(self, make: Callable[[Any], Any], start: Any, steps: int = 5) -> Any:
        """A parameter after updates with drawn gradients; ``make`` gives the optimizer of [parameter]."""
        filled = self.paddle.nn.initializer.Assign(self.to_numpy(start))
        parameter = self.paddle.create_parameter(
            start.shape, self.paddle.get_default_dtype(), default_initializer=filled
        )
        optimizer = make([parameter])
        for step in range(steps):
            gradient = words.drawn_gradient(parameter.shape, step)
            parameter.grad = self.paddle.to_tensor(gradient).astype(parameter.dtype)
            optimizer.step()
        return parameter.detach()

    def rates(self, schedule: Any, steps: int = 12) -> list[float]:
        """Learning rates that an optimizer with this schedule uses."""
        parameters = [self.paddle.create_parameter([1], "float32")]
        optimizer = self.paddle.optimizer.SGD(learning_rate=schedule, parameters=parameters)
        found = []
        for _ in range(steps):
            found.append(float(optimizer.get_lr()))
            schedule.step()
        return found

    def asked(self, schedule: Any, steps: int = 12) -> list[float]:
        """Learning rates that the schedule itself names."""
        found = []
        for _ in range(steps):
            found.append(float(schedule.get_lr()))
            schedule.step()
        return found

    def clipped(self, clip: Callable[[list[Any]], Any], *gradients: Any) -> list[Any]:
        """Gradients after ``clip`` was given parameters that have them, or pairs of both that it returned."""
        parameters = [self.drawn(self.paddle.nn.initializer.Constant(0.0), *g.shape) for g in gradients]
        nn = self.paddle.nn
        if isinstance(clip, (nn.ClipGradByGlobalNorm, nn.ClipGradByNorm, nn.ClipGradByValue)):
            pairs = [
                (parameter, gradient.detach())
                for parameter, gradient in zip(parameters, gradients, strict=True)
            ]
            return [gradient for _, gradient in clip(pairs)]
        for parameter, gradient in zip(parameters, gradients, strict=True):
            parameter.grad = gradient.detach().clone()
        clip(parameters)
        return [parameter.grad for parameter in parameters]
