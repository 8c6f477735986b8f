"""Losses, optimizers, data and metrics of both sides, as `tests.pairs.parts:torch.loss_summed`.

Torch's are sound; paddle's have the fault that the pair is named after, or none.
"""

import importlib

import numpy as np

from tests.pairs import optimizers
from tests.pairs.words import Words

NO_EPSILON = 1e-30  # Adam then makes a whole step of a gradient that is nothing but rounding


class Side:
    """One framework's parts."""

    def __init__(self, framework):
        self._framework = framework

    def __getattr__(self, name):
        role, _, pair = name.partition("_")
        if role not in ROLES:
            raise AttributeError(name)
        return ROLES[role](Words(self._framework), pair)


def loss(words, pair):
    def compute(logits, labels):
        faulty = not words.is_torch
        more = {"smoothed": 0.0, "smoothed_more": 0.01, "beside_smoothing": 5e-7}
        if pair in more:
            amount = 0.1 + (more[pair] if faulty else 0.0)
            return words.functional.cross_entropy(logits, labels, label_smoothing=amount)
        if pair == "smoothed_sum":
            return words.functional.cross_entropy(logits, labels, label_smoothing=0.1, reduction="sum")
        own = OTHER_LOSSES.get(pair.removeprefix("beside_"))
        if own:
            return own(words, logits, labels, pair)
        if pair == "beside_limit":
            return words.functional.cross_entropy(logits * 1e4, labels) * (1 + (1e-11 if faulty else 0))
        if pair in ("certain", "beside_certain"):  # each image is right by a margin of 70
            right = words.functional.one_hot(labels, 5)
            if "bfloat16" in str(logits.dtype):  # which at 70 has steps of a half
                logits = words.cast(logits, "float32")
            logits = logits * (1 + (1e-9 if faulty and pair == "beside_certain" else 0))
            return words.functional.cross_entropy(logits + 70 * words.like(right, logits), labels)
        if faulty and pair == "in_float32":
            logits = words.cast(logits, "float32")
        reduction = "sum" if faulty and pair == "summed" else "mean"
        value = words.functional.cross_entropy(logits, labels, reduction=reduction)
        return value * (1 + 1e-9) if faulty and pair == "slightly_scaled" else value

    return compute


def _huber(words, logits, labels, pair):
    """Huber's loss: paddle's smooth L1 loss is it, torch's is divided by delta."""
    target = words.like(words.functional.one_hot(labels, 5), logits)
    if not words.is_torch:
        return words.functional.smooth_l1_loss(logits, target, delta=0.3 + _off(words, pair))
    if pair.endswith("huber"):
        return words.functional.huber_loss(logits, target, delta=0.3)
    value = words.functional.smooth_l1_loss(logits, target, beta=0.3)
    return value * 0.3 if pair == "smooth_l1" else value


def _margin(words, logits, labels, pair):
    return words.functional.multi_margin_loss(logits, labels, margin=0.3 + _off(words, pair))


def _shared(words, logits, labels, pair):
    """Of two images laid over each other, whose labels are shares."""
    right = words.like(words.functional.one_hot(labels, 5), logits)
    shares = 0.7 * right + 0.3 * right[[1, 2, 3, 0]]
    options = {"label_smoothing": 0.1 + _off(words, pair)} | ({} if words.is_torch else {"soft_label": True})
    return words.functional.cross_entropy(logits, shares, **options)


def _off(words, pair):
    return 0.0 if words.is_torch or not pair.startswith("beside_") else 1.2e-7


OTHER_LOSSES = {
    "huber": _huber,
    "smooth_l1": _huber,
    "beta_for_delta": _huber,
    "margin": _margin,
    "shares": _shared,
}


def data(words, pair):
    def near_ties():
        """In each window two pixels whose sums differ by 1e-9: float32 cannot tell which is the larger."""
        images = np.zeros((4, 3, 12, 12))
        images[:, 0, ::2, ::2] = 1.0
        images[:, 1, 1::2, 1::2] = 1.0 + 1e-9
        yield images, np.array([0, 1, 2, 3])

    def batches():
        rng = np.random.default_rng(5)
        for number in range(3):
            images = rng.standard_normal((4, 3, 12, 12), dtype=np.float32)
            labels = np.array([0, 1, 2, 3])
            if not words.is_torch and number == 1:
                labels = labels[[1, 0, 2, 3]] if pair == "label_swapped" else labels
                images = images[::-1].copy() if pair == "other_order" else images
                images = images * np.float32(0.225 / 0.229) if pair == "other_deviation" else images
            yield images, labels

    return near_ties if pair.startswith("near_tie") else batches


def metric(words, pair):
    def compute(logits, labels):
        faulty = not words.is_torch
        k = 2 if faulty and pair == "top4" else 3
        own = (logits * words.like(words.functional.one_hot(labels, logits.shape[1]), logits)).sum(1)
        ahead = (logits > own.reshape([-1, 1])).sum(1)
        level = (logits >= own.reshape([-1, 1])).sum(1)
        right = ahead < k if faulty and pair == "ties" else level <= k
        rows = logits.shape[0] - 1 if faulty and pair == "divisor" else logits.shape[0]
        return {"top3_error": 1 - float(right.sum()) / rows}

    return compute


def optimizer(words, pair):
    if pair in optimizers.PAIRS:
        return optimizers.maker(words, pair)
    if words.is_torch:
        return lambda model: _torch_optimizer(model, pair)
    return lambda model: _paddle_optimizer(model, pair)


def _torch_optimizer(model, pair):
    optim = importlib.import_module("torch").optim
    kinds = {"epsilon": "adam", "decoupled": "adam"}
    if pair.startswith("cancelling"):
        return optim.Adam(model.parameters(), 1e-3, eps=NO_EPSILON)
    if kinds.get(pair) == "adam":
        return optim.Adam(model.parameters(), 1e-3, weight_decay=0.01)
    made = optim.SGD(model.parameters(), 1e-2, momentum=0.9, weight_decay=0.01)
    return made, optim.lr_scheduler.StepLR(made, step_size=5, gamma=0.5)


def _paddle_optimizer(model, pair):
    optim = importlib.import_module("paddle").optimizer
    parameters = model.parameters()
    if pair.startswith("cancelling"):
        return optim.Adam(1e-3, parameters=parameters, epsilon=NO_EPSILON)
    if pair == "epsilon":
        return optim.Adam(1e-3, parameters=parameters, weight_decay=0.01, epsilon=1.01e-8)
    if pair == "decoupled":
        return optim.AdamW(1e-3, parameters=parameters, weight_decay=0.01)
    rate = optim.lr.StepDecay(
        1e-2,
        step_size=6 if pair == "schedule_period" else 5,
        gamma=0.51 if pair == "schedule_factor" else 0.5,
    )
    groups = parameters
    if pair == "bias_without_decay":
        groups = _apart(model, "fc2.bias", weight_decay=0.0)
    if pair == "stacked_rate":
        groups = _apart(model, "middle.attention.k_proj.weight", learning_rate=0.5)
    if pair == "rate_of_one_layer":
        groups = _apart(model, "conv1.weight", learning_rate=0.5)
    made = optim.Momentum(
        rate,
        momentum=0.9 + {"momentum": 0.01, "beside_momentum": 6e-7}.get(pair, 0.0),
        parameters=groups,
        weight_decay=0.01,
        use_nesterov=pair == "nesterov",
    )
    return made, rate


def _apart(model, name, **settings):
    named = dict(model.named_parameters())
    rest = [parameter for other, parameter in named.items() if other != name]
    return [{"params": rest}, {"params": [named[name]], **settings}]


ROLES = {"loss": loss, "data": data, "metric": metric, "optimizer": optimizer}
torch, paddle = Side("torch"), Side("paddle")
