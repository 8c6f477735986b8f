"""A suite's pairs: a file of them, or the networks that both libraries ship."""

import argparse
import re
from collections.abc import Mapping, Sequence
from dataclasses import replace
from pathlib import Path
from typing import Any

import tomllib

from benchmarks.request.request import Request, read_request
from common.cli import UsageError
from common.shipped import NETWORKS, PREFIX

SHIPPED = PREFIX.removesuffix(":")
KEYS = ("model", "torch", "paddle", "input_shape", "input_shapes", "num_classes", "map", "weights")
NAME = re.compile(r"[\w.+-]+")  # it is a folder's


def read_pairs(text: str, options: argparse.Namespace, *, only: Sequence[str] = ()) -> dict[str, Request]:
    """A request for each pair by its name, with the other flags of ``options``.

    ``text`` is a TOML file or "torchvision"; of that, the networks that are known to differ are left out.
    ``only`` keeps names that hold one of these words. Raises UsageError for what can be seen to be wrong.
    """
    entries = _shipped() if text == SHIPPED else _entries(Path(text))
    chosen = {name: entry for name, entry in entries.items() if not only or any(w in name for w in only)}
    if not chosen:
        raise UsageError(f"{text}: no pair is named so; there are {', '.join(entries) or 'none'}")
    folder = Path.cwd() if text == SHIPPED else Path(text).absolute().parent
    return {name: _request(text, name, entry, options, folder) for name, entry in chosen.items()}


def _shipped() -> dict[str, dict[str, Any]]:
    return {name: {"model": f"{PREFIX}{name}"} for name, entry in NETWORKS.items() if not entry.because}


def _entries(path: Path) -> dict[str, dict[str, Any]]:
    """The file's pairs, one for each of their input shapes."""
    try:
        content = tomllib.loads(path.read_text(encoding="utf-8"))
    except OSError as error:
        raise UsageError(f"{path}: cannot be read ({error.strerror}); give a file or {SHIPPED}") from None
    except (tomllib.TOMLDecodeError, UnicodeDecodeError) as error:
        raise UsageError(f"{path}: is no TOML: {error}") from None
    found: dict[str, dict[str, Any]] = {}
    for name, entry in content.items():
        _require_keys(f"{path}, [{name}]", name, entry)
        shapes = entry.pop("input_shapes", None)
        for shape in shapes or [entry.get("input_shape")]:
            own = name if shapes is None else f"{name}-{'x'.join(map(str, shape))}"
            found[own] = entry | ({"input_shape": tuple(shape)} if shape else {})
    return found


def _require_keys(place: str, name: str, entry: Any) -> None:
    if not isinstance(entry, dict):
        raise UsageError(f"{place}: is no pair; write [NAME] and under it torch, paddle, input_shape ...")
    if not NAME.fullmatch(name):
        raise UsageError(f"{place}: a name has letters, digits, and . + - _ only: it becomes a folder")
    unknown = [key for key in entry if key not in KEYS]
    if unknown:
        raise UsageError(f"{place}: unknown key {unknown[0]!r}; there are {', '.join(KEYS)}")
    for shape in [
        *entry.get("input_shapes", []),
        *([entry["input_shape"]] if "input_shape" in entry else []),
    ]:
        if not (isinstance(shape, list) and len(shape) == 3 and all(isinstance(n, int) for n in shape)):
            raise UsageError(f"{place}: an input shape is [channels, height, width], not {shape!r}")


def _request(
    text: str, name: str, entry: Mapping[str, Any], options: argparse.Namespace, folder: Path
) -> Request:
    files = {key: folder / entry[key] for key in ("map", "weights") if key in entry}
    flags = dict.fromkeys(KEYS) | dict(entry) | files | {"pairs_folder": folder}
    try:
        request = read_request(argparse.Namespace(**vars(options) | flags))
    except UsageError as error:
        raise UsageError(f"{text}, [{name}]: {error}") from None
    return replace(request, json=None)
