"""Calls of torch's functions, seen wherever they occur.

Runs in torch's worker. A mode of torch's own sees them all: in a layer, as a function, a method or an
operator, by whatever name the user's code imported them.
"""

from collections.abc import Callable, Mapping, Sequence
from contextlib import AbstractContextManager
from dataclasses import dataclass
from functools import cache
from types import FunctionType
from typing import Any

FUNCTIONAL = "torch.nn.functional"
CHECKS = ("has_torch_function", "has_torch_function_unary", "has_torch_function_variadic")


@dataclass(frozen=True, kw_only=True)
class FunctionCall:
    """One call: the function, by its plain name too, and what it was given."""

    function: Any
    name: str
    is_in_place: bool
    args: Sequence[Any]
    kwargs: Mapping[str, Any]

    @classmethod
    def of(cls, function: Any, args: Sequence[Any], kwargs: Mapping[str, Any]) -> "FunctionCall":
        """The call with its plain name: "pow" for torch.pow, x.pow, x.pow_, x ** y and x **= y."""
        name = getattr(function, "__name__", "")
        if name.startswith("__") and name.endswith("__"):
            name, in_place = name[2:-2], name[2:-2] == "ipow"
            name = "pow" if in_place else name
        else:
            in_place = name.endswith("_")
        return cls(function=function, name=name.strip("_"), is_in_place=in_place, args=args, kwargs=kwargs)

    @property
    def is_functional(self) -> bool:
        """True if it is of torch.nn.functional, whose order of arguments may be its own."""
        return getattr(self.function, "__module__", None) == FUNCTIONAL


def seen(handle: Callable[[FunctionCall, Callable[..., Any]], Any]) -> AbstractContextManager[Any]:
    """Inside, ``handle(call, original)`` computes every call of a function of torch's.

    What ``handle`` computes itself is not seen; what ``original`` calls, if it is written in Python, is.
    """
    from torch.overrides import TorchFunctionMode

    class Seen(TorchFunctionMode):  # type: ignore[misc]
        def __torch_function__(
            self, func: Any, types: Any, args: Sequence[Any] = (), kwargs: Mapping[str, Any] | None = None
        ) -> Any:
            call = FunctionCall.of(func, args, kwargs or {})
            return handle(call, self._original(call))

        def _original(self, call: FunctionCall) -> Callable[..., Any]:
            body = _body(call.function) if call.is_functional else None
            if body is None:
                function: Callable[..., Any] = call.function
                return function

            def compute(*args: Any, **kwargs: Any) -> Any:
                with self:
                    return body(*args, **kwargs)

            return compute

    return Seen()


@cache
def _body(function: Any) -> FunctionType | None:
    """Body of a function written in Python, which computes and asks no mode."""
    if not isinstance(function, FunctionType) or not set(CHECKS) & set(function.__code__.co_names):
        return None
    names = function.__globals__ | {name: lambda *_: False for name in CHECKS}
    body = FunctionType(
        function.__code__, names, function.__name__, function.__defaults__, function.__closure__
    )
    body.__kwdefaults__ = function.__kwdefaults__
    return body


def plain(name: str) -> Callable[..., Any]:
    """The function of this plain name, which changes none of its arguments."""
    import torch

    if name.startswith("linalg_"):
        function: Callable[..., Any] = getattr(torch.linalg, name.removeprefix("linalg_"))
        return function
    function = getattr(torch.nn.functional, name, None) or getattr(torch, name)
    return function
