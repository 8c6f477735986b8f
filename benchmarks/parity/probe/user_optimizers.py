"""What a comparison changes in an optimizer of the user's own, and undoes again.

Torch's gets the constants that paddle's twin keeps in float32, or its rule where that is another. Paddle's
gets the clipping that paddle has no float64 kernel for.
"""

import sys
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import ExitStack, contextmanager
from functools import partial
from importlib import import_module
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
TORCHS_CLIPPING, CLIPPING_ADDS = "/torch/nn/utils/clip_grad.py", 1e-6
DEEPEST = 10  # frames between torch's clipping and the mode that sees what it calls


@contextmanager
def as_paddle_does(
    optimizer: Any, *, rounding: bool, rule: bool, applied: dict[str, None] | None = None
) -> Iterator[None]:
    """Inside, torch's optimizer rounds as paddle's does, or moves by paddle's rules, rounding included.

    ``applied`` receives the rules that had anything to act on. Steps and hooks of the user's own around
    torch's step are left as they are.
    """
    name, used = kind_of(optimizer), applied if applied is not None else {}
    with ExitStack() as stack:
        if (rule or (rounding and name == "Adamax")) and name in _UPDATES:
            update = partial(_UPDATES[name], rule=rule, applied=used)
            stack.enter_context(_with_update(name, update))
        elif rounding or rule:
            stack.enter_context(_rounded(optimizer, name))
        if rule:
            stack.enter_context(seen(partial(_clipped_without_epsilon, used)))
        yield


def kind_of(optimizer: Any) -> str:
    """The framework's own kind that an optimizer is, or is derived from."""
    known = {*KEPT_IN_FLOAT32, *_UPDATES}
    return next((kind.__name__ for kind in type(optimizer).__mro__ if kind.__name__ in known), "")


def _clipped_without_epsilon(
    applied: dict[str, None], call: FunctionCall, original: Callable[..., Any]
) -> Any:
    """Torch's clipping by a norm divides by the norm and not by the norm plus 1e-6, as paddle's does."""
    clipping = _caller_in(TORCHS_CLIPPING) if call.name == "add" and _is_added(call, CLIPPING_ADDS) else None
    if clipping is None:
        return original(*call.args, **call.kwargs)
    norm = call.args[0]
    if float(norm) + CLIPPING_ADDS > clipping.f_locals.get("max_norm", 0.0):  # else it clips nothing
        applied[CLIPPING_EPSILON] = None
    return norm


def _is_added(call: FunctionCall, number: float) -> bool:
    return len(call.args) == 2 and isinstance(call.args[1], float) and call.args[1] == number


def _caller_in(file: str) -> FrameType | None:
    """Code of that file that called what runs here, through this module and torch's modes alone."""
    frame: FrameType | None = sys._getframe()
    for _ in range(DEEPEST):
        if frame is None or frame.f_code.co_filename.endswith(file):
            return frame
        frame = frame.f_back
    return None


@contextmanager
def _with_update(name: str, update: Callable[..., None]) -> Iterator[None]:
    """Inside, torch's steps of this kind of optimizer update by a function of ours."""
    module = import_module(f"torch.optim.{name.lower()}")
    original = getattr(module, name.lower())
    setattr(module, name.lower(), update)
    try:
        yield
    finally:
        setattr(module, name.lower(), original)


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


# Both have the arguments of torch's functions of these names, which its steps call for each group.
def _rmsprop(*lists: Sequence[Any], rule: bool, applied: dict[str, None], **group: Any) -> None:
    parameters, gradients, squares, averages, buffers, steps = lists
    alpha, eps, momentum = (_float32(group[name]) for name in ("alpha", "eps", "momentum"))
    if rule and (eps or momentum):
        applied[RMSPROP_EPSILON] = None
    for place, parameter in enumerate(parameters):
        gradient = _decayed(parameter, gradients[place], group)
        steps[place].add_(1)
        square = _average(squares[place], gradient * gradient, alpha)
        if group["centered"]:
            square = square - _average(averages[place], gradient, alpha) ** 2
        moved = group["lr"] * gradient / (square + eps).sqrt()
        if momentum:
            moved = buffers[place].copy_(momentum * buffers[place] + moved)
        parameter.sub_(moved)


def _adamax(*lists: Sequence[Any], rule: bool, applied: dict[str, None], **group: Any) -> None:
    parameters, gradients, averages, maxima, steps = lists
    beta1, beta2, eps = (_float32(group[name]) for name in ("beta1", "beta2", "eps"))
    if rule and eps:
        applied[ADAMAX_EPSILON] = None
    for place, parameter in enumerate(parameters):
        gradient = _decayed(parameter, gradients[place], group)
        average = _average(averages[place], gradient, beta1)
        decayed, size = beta2 * maxima[place], gradient.abs()
        largest = (decayed + eps).maximum(size) if rule else decayed.maximum(size + eps)
        maxima[place].copy_(largest)
        powers = group["beta1"] ** int(steps[place].add_(1))  # not rounded
        parameter.sub_(group["lr"] / (1 - powers) * average / largest)


def _decayed(parameter: Any, gradient: Any, group: Mapping[str, Any]) -> Any:
    return (-gradient if group.get("maximize") else gradient) + group["weight_decay"] * parameter


def _average(kept: Any, value: Any, decay: float) -> Any:
    return kept.copy_(decay * kept + (1 - decay) * value)


_UPDATES: dict[str, Callable[..., None]] = {"RMSprop": _rmsprop, "Adamax": _adamax}


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
