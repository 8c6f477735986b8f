"""Arithmetic of a model, from the shapes of its layers."""

import math
from collections.abc import Mapping, Sequence
from typing import Any


def flops_per_image(trace: Sequence[Mapping[str, Any]], shapes: Mapping[str, Sequence[int]]) -> int:
    """Floating-point operations of one forward pass for one image; a multiply-add counts as two.

    Convolutions and linear layers only, without biases, as papers count. ``trace`` is a backend's,
    ``shapes`` the neutral shapes of the parameters: (outputs, inputs / groups, ...).
    """
    total = 0
    for layer in trace:
        weight = shapes.get(f"{layer['name']}.weight", ())
        if len(weight) >= 2:
            positions = math.prod(layer["output_shape"][2:])
            total += 2 * math.prod(weight) * positions
    return total
