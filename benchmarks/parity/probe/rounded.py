"""Make torch compute with paddle's rounded constants.

Runs in torch's worker. Everything is undone at the end of the ``with`` block.
"""

from collections.abc import Callable, Iterable, Iterator
from contextlib import contextmanager
from typing import Any

from benchmarks.parity.probe import alterations, rounded_functions, rounded_windows
from benchmarks.parity.probe.alterations import altered, keys_of
from benchmarks.parity.probe.function_calls import FunctionCall, seen

TABLES = (rounded_functions, rounded_windows)  # importing them is what registers their alterations
rounded_value = alterations.rounded_value

Noted = dict[str, None]  # keys of known roundings that a run can show, in the order of its calls


def base_of(layer: Any) -> str:
    """The name of torch's own class that a layer is, or is derived from."""
    own = [kind for kind in type(layer).__mro__ if kind.__module__.startswith("torch.nn")]
    return own[0].__name__


@contextmanager
def with_forward(layer: Any, forward: Callable[..., Any]) -> Iterator[None]:
    """Inside, the layer computes something else."""
    layer.forward = forward
    try:
        yield
    finally:
        del layer.forward


@contextmanager
def rounded(
    keys: Iterable[str],
    *,
    noted: Noted | None = None,
    given: Callable[[FunctionCall], FunctionCall] = lambda call: call,
) -> Iterator[None]:
    """Inside, torch's functions compute with these rounded constants, wherever they are called.

    ``noted`` receives the known roundings that they can show at all. ``given`` sees and may change what
    each is given.
    """
    wanted = [*keys]

    def handle(call: FunctionCall, original: Callable[..., Any]) -> Any:
        call = given(call)
        known = keys_of(call)
        if noted is not None:
            noted.update(dict.fromkeys(known))
        result = altered(call, wanted) if wanted else NotImplemented
        if result is NotImplemented:  # what a function that is known calls is a part of it
            result = (call.function if known else original)(*call.args, **call.kwargs)
        return result

    with seen(handle):
        yield
