"""Paddle's rules in torch's words: what a known difference is proven with. Runs in torch's worker."""

from typing import Any

import numpy as np


def zeroed(layer: Any, place: int) -> Any:
    """An embedding that returns zeros for one label, whatever its weight."""
    layer.register_forward_hook(lambda _, inputs, output: output * (inputs[0] != place).unsqueeze(-1))
    return layer


def biased(layer: Any) -> Any:
    """Batch normalisation that keeps the biased variance of a batch, and its momentum in float32."""
    stays = float(np.float32(1 - layer.momentum))
    before = {}

    def keep(_: Any, __: Any) -> None:
        before["variance"] = layer.running_var.clone()

    def replace(_: Any, inputs: Any, __: Any) -> None:
        axes = [axis for axis in range(inputs[0].dim()) if axis != 1]
        batch = inputs[0].detach().var(axes, unbiased=False)
        layer.running_var.data.copy_(stays * before["variance"] + (1 - stays) * batch)

    layer.register_forward_pre_hook(keep)
    layer.register_forward_hook(replace)
    return layer
