"""Alterations of torch's functions, by plain name: what is computed in their place."""

import inspect
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass
from functools import partial, reduce
from math import isfinite
from typing import Any

import numpy as np

from benchmarks.parity.probe.function_calls import FunctionCall, plain

Original = Callable[..., Any]


def rounded_value(value: float) -> float:
    """The number as float32 has it."""
    return float(np.float32(value))


def is_rounded(value: Any) -> bool:
    """True if it is a number that float32 has not."""
    return isinstance(value, float) and isfinite(value) and rounded_value(value) != value


@dataclass(frozen=True, kw_only=True)
class Alteration:
    """What one known rounding makes of a function.

    ``compute`` is given the function as it is, then that function's own arguments. ``constants`` are the
    arguments that are rounded: where float32 has them, there is nothing to alter, nor where ``concerns``
    says so of the arguments.
    """

    key: str
    compute: Callable[..., Any]
    constants: Sequence[str]
    is_functional: bool  # of torch.nn.functional alone: torch's own of that name has another order
    concerns: Callable[[Mapping[str, Any]], bool]

    def of(self, call: FunctionCall) -> inspect.BoundArguments | None:
        """The call's arguments, where it is altered."""
        if self.is_functional and not call.is_functional:
            return None
        options = {name: value for name, value in call.kwargs.items() if name != "out"}
        try:
            bound = inspect.signature(self.compute).bind(None, *call.args, **options)
        except TypeError:  # a signature of another release: better left alone
            return None
        bound.apply_defaults()
        if self.constants and not any(is_rounded(bound.arguments[name]) for name in self.constants):
            return None
        return bound if self.concerns(bound.arguments) else None


ALTERATIONS: dict[str, list[Alteration]] = {}  # by the function's plain name


def alters(
    key: str,
    *names: str,
    constants: Sequence[str] = (),
    is_functional: bool = False,
    concerns: Callable[[Mapping[str, Any]], bool] = lambda _: True,
) -> Callable[[Callable[..., Any]], Callable[..., Any]]:
    """Register an alteration of the functions of these plain names."""

    def register(compute: Callable[..., Any]) -> Callable[..., Any]:
        made = Alteration(
            key=key, compute=compute, constants=constants, is_functional=is_functional, concerns=concerns
        )
        for name in names:
            ALTERATIONS.setdefault(name, []).append(made)
        return compute

    return register


def keys_of(call: FunctionCall) -> list[str]:
    """The known roundings that this call can show."""
    return [made.key for made in ALTERATIONS.get(call.name, ()) if made.of(call) is not None]


def altered(call: FunctionCall, keys: Iterable[str]) -> Any:
    """Result of a call with these roundings; NotImplemented where none of them alters it."""
    wanted = set(keys)
    active = [made for made in ALTERATIONS.get(call.name, ()) if made.key in wanted]
    bounds = [(made.compute, bound) for made in active if (bound := made.of(call)) is not None]
    if not bounds:
        return NotImplemented
    # Each alteration takes the one before it for the original.
    original = reduce(
        lambda inner, compute: partial(compute, inner), [c for c, _ in bounds[:-1]], plain(call.name)
    )
    compute, bound = bounds[-1]
    target = call.kwargs.get("out")
    if call.is_in_place or bound.arguments.get("inplace"):
        target = bound.arguments["input"]
        bound.arguments["input"] = target.clone()  # what the gradient needs is not overwritten
        if "inplace" in bound.arguments:
            bound.arguments["inplace"] = False
    result = compute(original, *bound.args[1:], **bound.kwargs)
    return result if target is None else target.copy_(result)
