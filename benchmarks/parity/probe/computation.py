"""Outputs and loss of one batch: every tensor of what a model returns, and a loss that reaches them all."""

from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np

from backends import Backend, Computed, Model, Tensor
from common.cli import UsageError


def flatten(value: Any, key: str = "") -> dict[str, Tensor]:
    """The tensors in a model's output by key: "0", "aux", "0.hidden"; "" for a tensor alone.

    Dictionaries give their keys, lists and tuples (named ones, too) places. What is no tensor is left out.
    """
    if isinstance(value, Mapping):
        entries: list[tuple[Any, Any]] = list(value.items())
    elif isinstance(value, (list, tuple)):
        entries = list(enumerate(value))
    else:
        return {key: value} if hasattr(value, "shape") and hasattr(value, "dtype") else {}
    found: dict[str, Tensor] = {}
    for name, inner in entries:
        found |= flatten(inner, f"{key}.{name}" if key else str(name))
    return found


def pick(outputs: Mapping[str, Tensor], raw: Any, key: str) -> str:
    """Key of the output that loss and metrics see: the one asked for, else the only or first one.

    Raises UsageError for a key that is not there, and for a dictionary without a choice.
    """
    names = ", ".join(outputs) or "nothing"
    if key:
        if key not in outputs:
            raise UsageError(f"--output {key}: the model returns {names}; choose one of these")
        return key
    if not outputs:
        raise UsageError(f"the model returns {type(raw).__name__} and no tensor; return one, or several")
    if isinstance(raw, Mapping) and len(outputs) > 1:
        raise UsageError(f"the model returns a dictionary of {names}; choose one with --output KEY")
    return next(iter(outputs))


class Computation:
    """Outputs and loss of one batch, with the user's own loss where there is one.

    ``inputs`` are the model's, in order; ``output`` is the key of the one that loss and metrics see.
    """

    def __init__(
        self,
        backend: Backend,
        model: Model,
        *,
        inputs: Sequence[Tensor],
        labels: Tensor,
        loss: Any | None,
        output: str,
        where: Mapping[str, str],
        autocast: Mapping[str, str],
    ) -> None:
        self._backend, self._model, self._loss, self._output = backend, model, loss, output
        self._inputs, self._labels = list(inputs), labels
        self._where, self._autocast = where, autocast  # arguments of from_numpy, and of Backend.autocast

    def __call__(self) -> Computed:
        """Outputs, loss, and the sum whose gradient reaches every output."""
        with self._backend.autocast(**self._autocast):
            raw = self._model(*self._inputs)
            outputs = flatten(raw)
            key = pick(outputs, raw, self._output)
            logits = outputs.pop(key)
            loss = self._loss_of(raw if self._loss and not self._output else logits)
            total = loss
            for output in outputs.values():
                total = total + self._probed(output) if "float" in str(output.dtype) else total
        return Computed(logits=logits, others=outputs, loss=loss, total=total)

    def _loss_of(self, seen: Any) -> Tensor:
        if self._loss is not None:
            return self._loss(seen, self._labels)
        _, loss = self._backend.compute_loss(lambda _: seen, None, self._labels)
        return loss

    def _probed(self, output: Tensor) -> Tensor:
        """A number that depends on every entry of an output, each in another way."""
        shape = tuple(int(side) for side in output.shape)
        size = max(int(np.prod(shape, dtype=np.int64)), 1)
        weights = (np.cos(np.arange(size, dtype=np.float64)) / size).reshape(shape)
        return (output * self._backend.from_numpy(weights, **self._where)).sum()
