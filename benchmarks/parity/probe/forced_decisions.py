"""Make torch decide as another run did. Undone at the end of the ``with`` block."""

from collections.abc import Callable, Iterator, Mapping
from contextlib import ExitStack, contextmanager
from typing import Any

import numpy as np

from benchmarks.parity.probe.alterations import base_of, with_forward
from benchmarks.parity.probe.decisions import pooled_places
from benchmarks.parity.tensor_folder import TensorFolder


@contextmanager
def decided(model: Any, decisions: Mapping[str, Any]) -> Iterator[None]:
    """Inside, ReLU and max-pool decide as another run did: its layer inputs lie in ``folder``.

    ``calls`` has the label of a call there by the label of the same call here.
    """
    if not decisions:
        yield
        return
    folder, calls = TensorFolder(decisions["folder"]), decisions["calls"]
    with ExitStack() as stack:
        for name, layer in model.named_modules():
            labels = [there for here, there in calls.items() if here.partition("#")[0] == (name or "model")]
            if labels and base_of(layer) in ("ReLU", "MaxPool2d"):
                inputs = [folder.load(f"layers/{label}/input0") for label in labels]
                stack.enter_context(with_forward(layer, _deciding(layer, iter(inputs))))
        yield


def _deciding(layer: Any, inputs: Iterator[np.ndarray]) -> Callable[[Any], Any]:
    import torch

    def relu(x: Any) -> Any:
        return x * torch.tensor(next(inputs) > 0, dtype=x.dtype)

    def pool(x: Any) -> Any:
        shape, places = pooled_places(layer, torch.tensor(next(inputs)))
        x = torch.nn.functional.pad(x, shape.padding)
        return x.flatten(2).gather(2, places.flatten(2)).view(places.shape)

    return relu if base_of(layer) == "ReLU" else pool
