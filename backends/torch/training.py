"""One training step, whole and in its three parts, and the optimizers with what they remember.

https://docs.pytorch.org/docs/stable/optim.html
"""

import torch

from .tensors import to_numpy
from .weights import flipped, like, neutral_parameters

# What an optimizer remembers: its own words and the neutral ones; and how it counts updates.
MOMENTS = {"momentum_buffer": "momentum", "exp_avg": "first", "exp_avg_sq": "second"}
COUNTS = ("step",)


def make_optimizer(
    model,
    name,
    *,
    learning_rate,
    momentum=0.9,
    beta1=0.9,
    beta2=0.999,
    epsilon=1e-8,
    weight_decay=0.0,
    only=None,
):
    chosen = [parameter for name, parameter in model.named_parameters() if only is None or name in only]
    if name == "sgd":
        return torch.optim.SGD(chosen, learning_rate, weight_decay=weight_decay)
    if name == "momentum":
        return torch.optim.SGD(chosen, learning_rate, momentum, weight_decay=weight_decay)
    adam = {"adam": torch.optim.Adam, "adamw": torch.optim.AdamW}[name]
    return adam(chosen, learning_rate, (beta1, beta2), epsilon, weight_decay)


def compute_loss(model, images, labels, *, label_smoothing=0.0):
    logits = model(images)
    smoothing = {"label_smoothing": label_smoothing} if label_smoothing else {}  # not known to paddle 2.6
    return logits, torch.nn.functional.cross_entropy(logits, labels, **smoothing)


def backward(loss, *, scale=1.0):
    (loss if scale == 1 else loss * scale).backward()


def clear_gradients(optimizer):
    optimizer.zero_grad()


def update(optimizer):
    optimizer.step()
    clear_gradients(optimizer)


def train_step(model, optimizer, *, images, labels):
    _, loss = compute_loss(model, images, labels)
    backward(loss)
    update(optimizer)
    return loss.detach()


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
