"""What an optimizer remembers, as NumPy arrays by name in the neutral layout.

https://www.paddlepaddle.org.cn/documentation/docs/en/api/paddle/optimizer/Optimizer_en.html
It names what it remembers after automatic parameter names, such as linear_0.w_0_moment1_0.
"""

import numpy as np
import paddle

from .tensors import to_numpy
from .weights import flipped, like, neutral_parameters

MOMENTS = {"velocity": "momentum", "moment1": "first", "moment2": "second"}
COUNTS = ("beta1_pow_acc", "beta2_pow_acc")


def get_optimizer_state(model, optimizer):
    arrays = {}
    for name, parameter, transposed in neutral_parameters(model):
        for own, tensor in _remembered(optimizer, parameter).items():
            if own in MOMENTS:
                arrays[f"{MOMENTS[own]}/{name}"] = flipped(to_numpy(tensor), transposed)
    return arrays


def set_optimizer_state(model, optimizer, arrays, *, updates):
    for name, parameter, transposed in neutral_parameters(model):
        moments = {
            own: like(parameter, flipped(arrays[f"{word}/{name}"], transposed))
            for own, word in MOMENTS.items()
            if f"{word}/{name}" in arrays
        }
        if moments:
            _remember(optimizer, parameter, moments, updates)


def _remembered(optimizer, parameter):
    own = {name.removeprefix(f"{parameter.name}_"): name for name in optimizer.state_dict()}
    own = {name.rpartition("_")[0]: optimizer.state_dict()[key] for name, key in own.items()}
    return {word: own[word] for word in (*MOMENTS, *COUNTS) if own.get(word) is not None}


def _remember(optimizer, parameter, moments, updates):
    # Only the first step would make room for them, and would then begin with zeros.
    optimizer._create_accumulators(paddle.static.default_main_program().global_block(), [parameter])
    for own, tensor in _remembered(optimizer, parameter).items():
        if own in COUNTS:  # kept as powers, multiplied step by step, one step ahead
            beta = getattr(optimizer, {"beta1_pow_acc": "_beta1", "beta2_pow_acc": "_beta2"}[own])
            moments[own] = np.full(updates + 1, beta, to_numpy(tensor).dtype).cumprod()[-1:]
        tensor.set_value(moments[own])
