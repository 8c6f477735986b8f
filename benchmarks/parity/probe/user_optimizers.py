"""What a comparison changes in an optimizer of the user's own, and undoes again.

Torch's gets the constants that paddle's twin keeps in float32, or its rule where that is another. Paddle's
gets the clipping that paddle has no float64 kernel for.
"""

import sys
from collections.abc import Callable, Iterator, Mapping
from contextlib import ExitStack, contextmanager
from functools import partial
from types import FrameType
from typing import Any

import numpy as np

from benchmarks.parity.probe.function_calls import FunctionCall, seen
from benchmarks.parity.tensors.known_differences import ADAMAX_EPSILON, CLIPPING_EPSILON, RMSPROP_EPSILON

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
RULES = {"RMSprop": RMSPROP_EPSILON, "Adamax": ADAMAX_EPSILON}
TORCHS_CLIPPING, CLIPPING_ADDS = "/torch/nn/utils/clip_grad.py", 1e-6
DEEPEST = 10  # frames between torch's clipping and the mode that sees what it calls


@contextmanager
def as_paddle_does(
    optimizer: Any, *, rounding: bool, rule: bool, applied: dict[str, None] | None = None
) -> Iterator[None]:
    """Inside, torch's optimizer rounds as paddle's does, or moves by paddle's rules, rounding included.

    ``applied`` receives the rules that had anything to act on.
    """
    name, used = kind_of(optimizer), applied if applied is not None else {}
    own = type(optimizer).__name__ == name  # not a step of the user's own around it
    with ExitStack() as stack:
        if own and (rule or (rounding and name == "Adamax")) and name in _UPDATES:
            update = partial(_UPDATES[name], rule=rule)
            stack.enter_context(_with_step(optimizer, partial(_step, optimizer, update)))
            used |= {RULES[name]: None} if rule else {}
        elif rounding or rule:
            stack.enter_context(_rounded(optimizer, name))
        if rule:
            stack.enter_context(seen(partial(_clipped_without_epsilon, used)))
        yield


def kind_of(optimizer: Any) -> str:
    """The framework's own kind that an optimizer is, or is derived from."""
    known = {*KEPT_IN_FLOAT32, *RULES}
    return next((kind.__name__ for kind in type(optimizer).__mro__ if kind.__name__ in known), "")


def _clipped_without_epsilon(
    applied: dict[str, None], call: FunctionCall, original: Callable[..., Any]
) -> Any:
    """Torch's clipping by a norm divides by the norm and not by the norm plus 1e-6, as paddle's does."""
    if call.name == "add" and _is_added(call, CLIPPING_ADDS) and _is_called_by(TORCHS_CLIPPING):
        applied[CLIPPING_EPSILON] = None
        return call.args[0]
    return original(*call.args, **call.kwargs)


def _is_added(call: FunctionCall, number: float) -> bool:
    return len(call.args) == 2 and isinstance(call.args[1], float) and call.args[1] == number


def _is_called_by(file: str) -> bool:
    """True if code of that file called what runs here, through this module and torch's modes alone."""
    frame: FrameType | None = sys._getframe()
    for _ in range(DEEPEST):
        if frame is None or frame.f_code.co_filename.endswith(file):
            return frame is not None
        frame = frame.f_back
    return False


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
