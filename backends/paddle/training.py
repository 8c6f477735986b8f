"""One training step, whole and in its three parts, and the optimizers, which can go on from what they kept.

https://www.paddlepaddle.org.cn/documentation/docs/en/api/paddle/optimizer/Overview_en.html
"""

import numpy as np
import paddle

from .state import COUNTS, MOMENTS, kept_of
from .tensors import to_numpy
from .weights import flipped, like, neutral_parameters


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


def set_moments(model, optimizer, arrays, *, updates):
    for name, parameter, transposed in neutral_parameters(model):
        own = {full.removeprefix(f"{name}/"): full for full in arrays if full.rpartition("/")[0] == name}
        if own:
            moments = {kind: like(parameter, flipped(arrays[own[kind]], transposed)) for kind in own}
            _remember(optimizer, parameter, moments, updates)


def _remember(optimizer, parameter, moments, updates):
    # Only a step makes room for them: one of rate 0 on gradients of 0, which moves nothing.
    rate, parameter.grad = optimizer.get_lr(), paddle.zeros_like(parameter)
    optimizer.set_lr(0.0)
    update(optimizer)
    optimizer.set_lr(rate)
    for name, tensor in kept_of(optimizer, parameter).items():
        if name in COUNTS:  # multiplied step by step, as paddle does
            factors = np.full(updates + 1, getattr(optimizer, COUNTS[name]), to_numpy(tensor).dtype)
            tensor.set_value(factors.cumprod()[-1:])
        elif MOMENTS.get(name) in moments:
            tensor.set_value(moments[MOMENTS[name]])
