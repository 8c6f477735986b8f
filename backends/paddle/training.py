"""One training step, whole and in its three parts, and the optimizers with what they remember.

https://www.paddlepaddle.org.cn/documentation/docs/en/api/paddle/optimizer/Overview_en.html
"""

import numpy as np
import paddle

from .tensors import to_numpy
from .weights import flipped, like, neutral_parameters

# What an optimizer remembers: its own words and the neutral ones; and how it counts updates. paddle names
# it after automatic parameter names, such as linear_0.w_0_moment1_0.
MOMENTS = {"velocity": "momentum", "moment1": "first", "moment2": "second"}
COUNTS = {"beta1_pow_acc": "_beta1", "beta2_pow_acc": "_beta2"}


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
        return paddle.optimizer.SGD(learning_rate, chosen, weight_decay=weight_decay)
    if name == "momentum":
        return paddle.optimizer.Momentum(learning_rate, momentum, chosen, weight_decay=weight_decay)
    adam = {"adam": paddle.optimizer.Adam, "adamw": paddle.optimizer.AdamW}[name]
    return adam(learning_rate, beta1, beta2, epsilon, chosen, weight_decay=weight_decay)


def compute_loss(model, images, labels, *, label_smoothing=0.0):
    logits = model(images)
    smoothing = {"label_smoothing": label_smoothing} if label_smoothing else {}  # not known to paddle 2.6
    return logits, paddle.nn.functional.cross_entropy(logits, labels, **smoothing)


def backward(loss, *, scale=1.0):
    (loss if scale == 1 else loss * scale).backward()


def clear_gradients(optimizer):
    optimizer.clear_grad(set_to_zero=False)  # as torch does; the default leaves zeros that decay


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
    own = optimizer.state_dict()
    own = {name.removeprefix(f"{parameter.name}_").rpartition("_")[0]: own[name] for name in own}
    return {word: own[word] for word in (*MOMENTS, *COUNTS) if own.get(word) is not None}


def _remember(optimizer, parameter, moments, updates):
    # Only a step makes room for them: one of rate 0 on gradients of 0, which moves nothing.
    rate, parameter.grad = optimizer.get_lr(), paddle.zeros_like(parameter)
    optimizer.set_lr(0.0)
    update(optimizer)
    optimizer.set_lr(rate)
    for own, tensor in _remembered(optimizer, parameter).items():
        if own in COUNTS:  # kept as powers, multiplied step by step, one step ahead
            factors = np.full(updates + 1, getattr(optimizer, COUNTS[own]), to_numpy(tensor).dtype)
        tensor.set_value(factors.cumprod()[-1:] if own in COUNTS else moments[own])
