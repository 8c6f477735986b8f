"""Make torch compute with paddle's rounded constants.

Runs in torch's worker. Everything is undone at the end of the ``with`` block.
"""

from collections.abc import Callable, Iterable, Iterator, Mapping
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


HYPER_PARAMETERS = {  # which ones paddle's optimizer of the same kind keeps in float32; rates it does not
    "Adadelta": ("rho", "eps"),
    "AdamW": ("weight_decay",),
    "RAdam": ("betas", "eps"),
    "RMSprop": ("alpha", "eps", "momentum"),
}


@contextmanager
def rounded_hyper_parameters(optimizer: Any, *, active: bool) -> Iterator[None]:
    """Inside, torch's optimizer has its hyper-parameters rounded to float32."""
    if not active:
        yield
        return
    before = [dict(group) for group in optimizer.param_groups]
    for group in optimizer.param_groups:
        group |= {name: _rounded(group[name]) for name in _kept_in_float32(optimizer, group)}
    yield
    for group, old in zip(optimizer.param_groups, before, strict=True):
        group.update(old)


def _rounded(value: Any) -> Any:
    return tuple(map(rounded_value, value)) if isinstance(value, (tuple, list)) else rounded_value(value)


def _kept_in_float32(optimizer: Any, group: Mapping[str, Any]) -> tuple[str, ...]:
    """Which hyper-parameters paddle's optimizer of the same kind rounds."""
    kind = type(optimizer).__name__
    if kind == "SGD":  # paddle's is Momentum where there is a momentum
        return ("momentum", "weight_decay") if group["momentum"] else ()
    return HYPER_PARAMETERS.get(kind, ())
