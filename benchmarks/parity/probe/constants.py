"""Numbers that torch's functions are given, by their place in the model.

Runs in torch's worker: a constant that no table has is looked for by rounding one of them to float32.
"""

from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import replace
from typing import Any

from benchmarks.parity.probe.alterations import rounded_value
from benchmarks.parity.probe.function_calls import FunctionCall

BEHIND = "behind "  # a place between layers is named after the layer before it
WAYS: dict[str, Callable[[float], float]] = {
    "itself": rounded_value,
    "its reciprocal": lambda value: 1 / rounded_value(1 / value),
    "1 minus it": lambda value: 1 - rounded_value(1 - value),
}
ALL = None  # in the place of a value: all at once


class ConstantsSeen:
    """Notes every number that a rounding could move; ``wanted`` (place, value, way) is rounded."""

    def __init__(self, wanted: Mapping[str, Any] | None = None) -> None:
        self.wanted = wanted
        self.found: dict[tuple[str, float], str] = {}  # the function that was given it
        self.functions: dict[str, None] = {}  # all that were called
        self._running, self._last = "", "input"

    def __call__(self, call: FunctionCall) -> FunctionCall:
        """The call, with its numbers rounded where that is wanted."""
        self.functions[call.name] = None
        args = [self._number(call, value) for value in call.args]
        kwargs = {name: self._number(call, value) for name, value in call.kwargs.items()}
        return replace(call, args=args, kwargs=kwargs)

    @contextmanager
    def following(self, layers: Mapping[str, Any]) -> Iterator[None]:
        """Inside, it is known which of these layers is running."""
        handles = []
        for name, layer in layers.items():
            handles.append(layer.register_forward_pre_hook(lambda *_, name=name: self._enter(name)))
            handles.append(layer.register_forward_hook(lambda *_, name=name: self._leave(name)))
        try:
            yield
        finally:
            for handle in handles:
                handle.remove()

    def _enter(self, name: str) -> None:
        self._running = name

    def _leave(self, name: str) -> None:
        self._running, self._last = "", name

    def _number(self, call: FunctionCall, value: Any) -> Any:
        divides = call.name in ("div", "truediv", "true_divide")
        if isinstance(value, bool) or not isinstance(value, (float, int) if divides else float):
            return value
        if not any(_moves(way, value) for way in WAYS.values()):
            return value
        place = self._running or f"{BEHIND}{self._last}"
        self.found.setdefault((place, value), call.name)
        wanted = self.wanted
        if wanted and place == wanted["place"] and wanted["value"] in (value, ALL):
            way = WAYS[wanted["way"]]
            return way(value) if _moves(way, value) else value
        return value


def _moves(way: Callable[[float], float], value: float) -> bool:
    """True if the number is another in float32, and no other number altogether."""
    try:
        rounded = way(value)
    except (OverflowError, ZeroDivisionError):
        return False
    return rounded != value and abs(rounded - value) < 1e-6 * abs(value)
