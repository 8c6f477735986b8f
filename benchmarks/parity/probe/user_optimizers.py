"""What a comparison changes in an optimizer of the user's own, and undoes again.

Torch's gets the constants that paddle's twin keeps in float32, or its rule where that is another. Paddle's
gets the clipping that paddle has no float64 kernel for.
"""

from collections.abc import Callable, Iterator, Mapping
from contextlib import ExitStack, contextmanager
from functools import partial
from typing import Any

import numpy as np

# Measured over 20 steps: with these rounded, torch agrees with paddle 3.3.1 to 4e-16 or to the last digit.
KEPT_IN_FLOAT32 = {
    "SGD": ("momentum", "weight_decay"),
    "AdamW": ("weight_decay",),
    "RMSprop": ("alpha", "eps", "momentum"),
    "Adadelta": ("rho", "eps"),
    "Adagrad": ("eps",),
    "NAdam": ("betas", "eps", "momentum_decay"),
    "RAdam": ("betas", "eps"),
}
RULES = {
    "RMSprop": "paddle's RMSProp has epsilon inside the root, and the rate in its momentum",
    "Adamax": "paddle's Adamax adds epsilon to the decayed maximum, not to the gradient's size",
}


@contextmanager
def as_paddle_does(optimizer: Any, *, rounding: bool, rule: bool) -> Iterator[None]:
    """Inside, torch's optimizer rounds as paddle's does, or moves by paddle's rule, rounding included."""
    name = kind_of(optimizer)
    own = type(optimizer).__name__ == name  # not a step of the user's own around it
    with ExitStack() as stack:
        if own and (rule or (rounding and name == "Adamax")) and name in _UPDATES:
            update = partial(_UPDATES[name], rule=rule)
            stack.enter_context(_with_step(optimizer, partial(_step, optimizer, update)))
        elif rounding:
            stack.enter_context(_rounded(optimizer, name))
        yield


def kind_of(optimizer: Any) -> str:
    """The framework's own kind that an optimizer is, or is derived from."""
    known = {*KEPT_IN_FLOAT32, *RULES}
    return next((kind.__name__ for kind in type(optimizer).__mro__ if kind.__name__ in known), "")


def rule_of(optimizer: Any) -> str | None:
    """How paddle's optimizer of that kind moves parameters otherwise than torch's."""
    return RULES.get(type(optimizer).__name__)


@contextmanager
def _with_step(optimizer: Any, step: Callable[[], None]) -> Iterator[None]:
    before = optimizer.__dict__.get("step")  # a schedule puts one of its own there
    optimizer.step = step
    try:
        yield
    finally:
        if before is None:
            del optimizer.step
        else:
            optimizer.step = before


@contextmanager
def _rounded(optimizer: Any, name: str) -> Iterator[None]:
    import torch

    before, dtype = [dict(group) for group in optimizer.param_groups], torch.get_default_dtype()
    for group in optimizer.param_groups:
        names = KEPT_IN_FLOAT32.get(name, ()) if name != "SGD" or group["momentum"] else ()
        group |= {key: _float32(group[key]) for key in names}
    if name == "NAdam":  # whose product of momenta is torch's own number of float32
        torch.set_default_dtype(torch.float64)
    try:
        yield
    finally:
        torch.set_default_dtype(dtype)
        for group, old in zip(optimizer.param_groups, before, strict=True):
            group.update(old)


def _float32(value: Any) -> Any:
    return tuple(map(_float32, value)) if isinstance(value, tuple) else float(np.float32(value))


def _step(optimizer: Any, update: Callable[..., Any]) -> None:
    """Move each parameter by an update of ours."""
    import torch

    with torch.no_grad():
        for group in optimizer.param_groups:
            for parameter in group["params"]:
                if parameter.grad is not None:
                    gradient = parameter.grad + group["weight_decay"] * parameter
                    parameter.sub_(update(group, gradient, optimizer.state[parameter]))


def _rmsprop(group: Mapping[str, Any], gradient: Any, state: dict[str, Any], *, rule: bool) -> Any:
    alpha, eps, momentum = (_float32(group[name]) for name in ("alpha", "eps", "momentum"))
    square = _averaged(state, "square_avg", gradient * gradient, alpha)
    if group["centered"]:
        square = square - _averaged(state, "grad_avg", gradient, alpha) ** 2
    moved = group["lr"] * gradient / (square + eps).sqrt()
    if momentum:
        moved = state["momentum_buffer"] = momentum * state.get("momentum_buffer", 0.0) + moved
    return moved


def _adamax(group: Mapping[str, Any], gradient: Any, state: dict[str, Any], *, rule: bool) -> Any:
    (beta1, beta2), eps = _float32(group["betas"]), _float32(group["eps"])
    average = _averaged(state, "exp_avg", gradient, beta1)
    decayed, size = beta2 * state.get("exp_inf", gradient * 0), gradient.abs()
    state["exp_inf"] = (decayed + eps).maximum(size) if rule else decayed.maximum(size + eps)
    state["step"] = state.get("step", gradient.new_zeros(())) + 1
    powers = group["betas"][0] ** state["step"]  # not rounded
    return group["lr"] / (1 - powers) * average / state["exp_inf"]


def _averaged(state: dict[str, Any], name: str, value: Any, decay: float) -> Any:
    state[name] = decay * state.get(name, 0.0) + (1 - decay) * value
    return state[name]


_UPDATES: dict[str, Callable[..., Any]] = {"RMSprop": _rmsprop, "Adamax": _adamax}


def clip_in_float64(optimizer: Any) -> None:
    """Have paddle's optimizer clip each gradient by its norm in float64, which paddle has no kernel for."""
    import paddle

    groups = [group for group in getattr(optimizer, "_param_groups", None) or [] if isinstance(group, dict)]
    clips = [getattr(optimizer, "_grad_clip", None), *(group.get("grad_clip") for group in groups)]
    for clip in clips:
        if isinstance(clip, paddle.nn.ClipGradByNorm):
            clip._dygraph_clip = partial(_clip_each, clip)


def _clip_each(clip: Any, gradients: list[tuple[Any, Any]]) -> list[tuple[Any, Any]]:
    import paddle

    clipped = []
    for parameter, gradient in gradients:
        factor = 1.0
        if gradient is not None and getattr(parameter, "need_clip", True):
            factor = clip.clip_norm / paddle.linalg.norm(gradient).clip(min=clip.clip_norm)
        clipped.append((parameter, None if gradient is None else gradient * factor))
    return clipped
