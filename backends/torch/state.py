"""What an optimizer remembers, as NumPy arrays by name in the neutral layout.

https://docs.pytorch.org/docs/stable/generated/torch.optim.Optimizer.state_dict.html
"""

import torch

from .tensors import to_numpy
from .weights import flipped, like, neutral_parameters

MOMENTS = {"momentum_buffer": "momentum", "exp_avg": "first", "exp_avg_sq": "second"}
COUNTS = ("step",)


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
    own = optimizer.state.get(parameter, {})
    return {word: own[word] for word in (*MOMENTS, *COUNTS) if own.get(word) is not None}


def _remember(optimizer, parameter, moments, updates):
    optimizer.state[parameter] = dict(moments)
    if "exp_avg" in moments:
        optimizer.state[parameter]["step"] = torch.tensor(float(updates))
