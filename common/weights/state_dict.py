"""Weights by name in whatever they were saved with: which entry they are, and prefixes of their names."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any

from common.cli import UsageError, one_line
from common.pickled_data import Foreign

# The usual names of a state dict beside other things, the likeliest first.
WRAPPERS = (
    "state_dict",
    "model_state_dict",
    "model_state",
    "model",
    "net",
    "network",
    "weights",
    "params",
    "module",
    "state_dict_ema",
    "ema_state_dict",
    "model_ema",
    "ema",
)
# What wrappers of a model put before each name: DataParallel, torch.compile, paddle.DataParallel.
PREFIXES = ("module.", "_orig_mod.", "_layers.")
AVERAGED = "n_averaged"  # how many models torch's AveragedModel has averaged: no weight
NOT_WEIGHTS = ("optim", "sched", "scaler", "rng", "args", "config", "hparams", "hyper")
DEEPEST = 4  # levels of entries that are looked through
SHOWN = 6  # names in a message
EXPORT = (
    "torch.save(model.state_dict(), 'weights.pth') or paddle.save(model.state_dict(), 'weights.pdparams')"
)


@dataclass(frozen=True, kw_only=True)
class StateDict:
    """Tensors of the file's own kind by name, where they lay, and lines on what was not read."""

    tensors: Mapping[str, Any]
    notes: tuple[str, ...] = ()


def find_state_dict(
    content: Any, *, is_tensor: Callable[[Any], bool], axes: Callable[[Any], int]
) -> StateDict:
    """The state dict in a file's content.

    ``is_tensor`` is true of the file's tensors, ``axes`` counts theirs. Raises UsageError where there is
    none, or several and no usual name says which is meant.
    """
    found = dict(_candidates(content, is_tensor, axes, ()))
    if not found:
        raise UsageError(_nothing_found(content))
    place = min(found, key=lambda path: (len(path) > 0, _rank(path), len(path)))
    rivals = [path for path in found if _rank(path) == _rank(place) and len(path) == len(place)]
    if place and len(rivals) > 1:
        names = ", ".join(one_line(".".join(path), limit=60) for path in rivals[:SHOWN])
        raise UsageError(f"holds several state dicts ({names}); save the one that is meant alone")
    entries = found[place]
    tensors = {name: value for name, value in entries.items() if isinstance(name, str) and is_tensor(value)}
    notes = []
    if place:
        beside = [*_besides(content, place), *(".".join(path) for path in found if path != place)]
        notes.append(f"its weights are read from {'.'.join(place)!r}" + _not_read(dict.fromkeys(beside)))
    elif len(tensors) < len(entries):
        rest = {_described(name, value): None for name, value in entries.items() if name not in tensors}
        notes.append("beside its weights" + _not_read(rest))
    return StateDict(tensors=without_prefixes(tensors), notes=tuple(notes))


def _candidates(
    content: Any, is_tensor: Callable[[Any], bool], axes: Callable[[Any], int], path: tuple[str, ...]
) -> list[tuple[tuple[str, ...], Mapping[Any, Any]]]:
    """Every dict that holds tensors with axes by name, with the names that lead to it."""
    if not isinstance(content, dict) or len(path) > DEEPEST:
        return []
    if any(isinstance(name, str) and is_tensor(value) and axes(value) for name, value in content.items()):
        return [(path, content)]
    found = []
    for name, value in content.items():
        if isinstance(name, str) and not any(word in name.lower() for word in NOT_WEIGHTS):
            found += _candidates(value, is_tensor, axes, (*path, name))
    return found


def _rank(path: tuple[str, ...]) -> int:
    """How likely a name is to be that of the weights that are meant."""
    last = path[-1] if path else WRAPPERS[0]
    return WRAPPERS.index(last) if last in WRAPPERS else len(WRAPPERS)


def _nothing_found(content: Any) -> str:
    if isinstance(content, Foreign):
        made = content.made_with
        return f"is a whole object, {made}, that its own program alone can load; export there: {EXPORT}"
    made_with = sorted({str(value.made_with) for value in _values(content) if isinstance(value, Foreign)})
    held = f" but {', '.join(made_with[:SHOWN])}" if made_with else ""
    return f"holds no weights by name{held}; save a state dict: {EXPORT}"


def _values(content: Any) -> list[Any]:
    return [*content.values()] if isinstance(content, dict) else []


def _besides(content: Any, place: tuple[str, ...]) -> list[str]:
    """What stands beside the entries that lead to the weights, in words."""
    rest: list[str] = []
    for step in place:
        rest += [_described(name, value) for name, value in content.items() if name != step]
        content = content[step]
    return rest


def _described(name: Any, value: Any) -> str:
    word = one_line(name, limit=40) if isinstance(name, (str, int)) else "an entry"
    return f"{word} ({value.made_with})" if isinstance(value, Foreign) else word


def _not_read(names: Mapping[str, None]) -> str:
    """Name what was not read, a few of them."""
    if not names:
        return ""
    more = f" and {len(names) - SHOWN} more" if len(names) > SHOWN else ""
    return f"; not read: {', '.join(list(names)[:SHOWN])}{more}"


def without_prefixes(tensors: Mapping[str, Any]) -> Mapping[str, Any]:
    """The tensors by the model's own names, whatever it was wrapped in."""
    rest = {name: value for name, value in tensors.items() if name != AVERAGED}
    wrapped = len(rest) < len(tensors) and all(name.startswith(PREFIXES[0]) for name in rest)
    tensors = rest if wrapped else tensors
    while True:
        prefix = next((word for word in PREFIXES if all(name.startswith(word) for name in tensors)), None)
        if prefix is None:
            return tensors
        tensors = {name.removeprefix(prefix): value for name, value in tensors.items()}
