"""One training step, whole and in its three parts, and the optimizers.

https://www.paddlepaddle.org.cn/documentation/docs/en/api/paddle/optimizer/Overview_en.html
"""

import paddle


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
        return paddle.optimizer.SGD(learning_rate, parameters, weight_decay=weight_decay)
    if name == "momentum":
        return paddle.optimizer.Momentum(learning_rate, momentum, parameters, weight_decay=weight_decay)
    adam = {"adam": paddle.optimizer.Adam, "adamw": paddle.optimizer.AdamW}[name]
    return adam(learning_rate, beta1, beta2, epsilon, parameters, weight_decay=weight_decay)


def compute_loss(model, images, labels):
    logits = model(images)
    return logits, paddle.nn.functional.cross_entropy(logits, labels)


def backward(loss):
    loss.backward()


def update(optimizer):
    optimizer.step()
    optimizer.clear_grad(set_to_zero=False)  # as torch does; the default leaves zeros that decay


def train_step(model, optimizer, *, images, labels):
    _, loss = compute_loss(model, images, labels)
    backward(loss)
    update(optimizer)
    return loss.detach()
