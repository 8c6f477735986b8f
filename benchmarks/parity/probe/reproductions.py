"""Make torch compute with paddle's rounded constants.

Runs in torch's worker. Everything is undone at the end of the ``with`` block.
"""

from collections.abc import Callable, Iterable, Iterator, Mapping
from contextlib import ExitStack, contextmanager
from typing import Any

import numpy as np

from benchmarks.parity.known_roundings import KNOWN_ROUNDINGS
from benchmarks.parity.probe.alterations import base_of, limited_below
from benchmarks.parity.probe.rounded_layers import ALTERATIONS, rounded_value

LOSS_LIMIT = 64.0


@contextmanager
def rounded(model: Any, keys: Iterable[str]) -> Iterator[None]:
    """Inside, the model's layers compute with these rounded constants."""
    with ExitStack() as stack:
        for key in keys:
            if key in _LOSSES:
                stack.enter_context(_LOSSES[key]())
            for layer in _layers(model, KNOWN_ROUNDINGS[key].bases):
                stack.enter_context(ALTERATIONS[key](layer))
        yield


@contextmanager
def rounded_hyper_parameters(optimizer: Any, *, active: bool) -> Iterator[None]:
    """Inside, torch's optimizer has its hyper-parameters rounded to float32."""
    if not active:
        yield
        return
    before = [dict(group) for group in optimizer.param_groups]
    for group in optimizer.param_groups:
        group |= {name: rounded_value(group[name]) for name in _kept_in_float32(optimizer, group)}
    yield
    for group, old in zip(optimizer.param_groups, before, strict=True):
        group.update(old)


def _kept_in_float32(optimizer: Any, group: Mapping[str, Any]) -> tuple[str, ...]:
    """Which hyper-parameters paddle's optimizer of the same kind rounds; rates and Adam's it does not."""
    if type(optimizer).__name__ == "SGD":
        return ("momentum", "weight_decay") if group["momentum"] else ()
    return ("weight_decay",) if type(optimizer).__name__ == "AdamW" else ()


@contextmanager
def _rounded_label_smoothing() -> Iterator[None]:
    """Inside, cross-entropy on class numbers smooths its labels in float32."""
    import torch

    original = torch.nn.functional.cross_entropy

    def cross_entropy(logits: Any, labels: Any, *arguments: Any, **options: Any) -> Any:
        smoothing = options.pop("label_smoothing", 0.0)
        if smoothing and not arguments and labels.dtype == torch.int64 and _is_mean(options):
            hard = torch.nn.functional.one_hot(labels, logits.shape[1]).float()
            soft = float(np.float32(1 - smoothing)) * hard + float(np.float32(smoothing / logits.shape[1]))
            value = original(logits, soft.to(logits.dtype), **options)
            # The rounded labels do not quite sum to 1; paddle's gradient takes it that they do.
            even = (torch.logsumexp(logits, 1) - (soft * logits).sum(1)).mean()
            return even + (value - even).detach()
        return original(logits, labels, *arguments, label_smoothing=smoothing, **options)

    with _cross_entropy(cross_entropy):
        yield


@contextmanager
def _limited_loss() -> Iterator[None]:
    """Inside, cross-entropy takes no logit as more than 64 below the largest: nor is any class unlikelier."""
    import torch

    original, limited = torch.nn.functional.cross_entropy, limited_below()

    def cross_entropy(logits: Any, *arguments: Any, **options: Any) -> Any:
        below = logits - logits.detach().amax(1, keepdim=True)
        return original(limited(below, -LOSS_LIMIT), *arguments, **options)

    with _cross_entropy(cross_entropy):
        yield


@contextmanager
def _cross_entropy(other: Callable[..., Any]) -> Iterator[None]:
    """Inside, torch computes its cross-entropy by another function."""
    import torch

    functional = torch.nn.functional
    before, functional.cross_entropy = functional.cross_entropy, other
    try:
        yield
    finally:
        functional.cross_entropy = before


def _is_mean(options: Mapping[str, Any]) -> bool:
    return options.get("reduction", "mean") == "mean" and options.get("weight") is None


def _layers(model: Any, bases: tuple[str, ...]) -> list[Any]:
    return [layer for layer in model.modules() if base_of(layer) in bases]


_LOSSES = {"label-smoothing": _rounded_label_smoothing, "loss-limit": _limited_loss}
