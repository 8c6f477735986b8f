"""One training step, whole and in its three parts, and the optimizers, which can go on from what they kept.

https://docs.pytorch.org/docs/stable/optim.html
"""

import torch

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


def set_moments(model, optimizer, arrays, *, updates):
    for name, parameter, transposed in neutral_parameters(model):
        own = {full.removeprefix(f"{name}/"): full for full in arrays if full.rpartition("/")[0] == name}
        if own:
            moments = {kind: like(parameter, flipped(arrays[own[kind]], transposed)) for kind in own}
            _remember(optimizer, parameter, moments, updates)


def _remember(optimizer, parameter, moments, updates):
    optimizer.state[parameter] = dict(moments)
    if "exp_avg" in moments:
        optimizer.state[parameter]["step"] = torch.tensor(float(updates))
