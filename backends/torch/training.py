"""One training step, whole and in its three parts, and the optimizers.

https://docs.pytorch.org/docs/stable/optim.html
"""

import torch


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
):
    parameters = list(model.parameters())
    if name == "sgd":
        return torch.optim.SGD(parameters, learning_rate, weight_decay=weight_decay)
    if name == "momentum":
        return torch.optim.SGD(parameters, learning_rate, momentum, weight_decay=weight_decay)
    adam = {"adam": torch.optim.Adam, "adamw": torch.optim.AdamW}[name]
    return adam(parameters, learning_rate, (beta1, beta2), epsilon, weight_decay)


def compute_loss(model, images, labels):
    logits = model(images)
    return logits, torch.nn.functional.cross_entropy(logits, labels)


def backward(loss):
    loss.backward()


def update(optimizer):
    optimizer.step()
    optimizer.zero_grad()


def train_step(model, optimizer, *, images, labels):
    _, loss = compute_loss(model, images, labels)
    backward(loss)
    update(optimizer)
    return loss.detach()
