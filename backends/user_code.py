"""MODULE:CALLABLE, found in the folder where the command was given. Runs in a worker."""

import hashlib
import importlib
import os
import sys
from collections.abc import Iterable
from pathlib import Path
from typing import Any

from backends.own_modules import INSTALLED, OUR_FILES, SCOPES
from common.cli import UsageError


def resolve(source: str, *, folder: str) -> Any:
    """The callable that ``source`` names. Raises UsageError saying which part cannot be found.

    What it imports is the user's, too, then and later: see backends.own_modules.
    """
    module_name, colon, path = source.partition(":")
    if not colon or not module_name or not path:
        raise UsageError(f"{source!r}: expected MODULE:CALLABLE, as in my.models:build")
    if not folder:  # one of ours
        return _found(source, importlib.import_module(module_name), path)
    try:
        found: Any = SCOPES.import_in(folder, module_name)
    except ModuleNotFoundError as error:
        if not f"{module_name}.".startswith(f"{error.name}."):
            raise  # one that the user's module wants
        raise UsageError(
            f"{source}: no module {error.name!r}; give the command in the folder that holds it "
            f"(now {folder}) or install it for {sys.executable}"
        ) from None
    return _found(source, found, path)


def _found(source: str, found: Any, path: str) -> Any:
    """The callable at a dotted path in a module."""
    module_name = found.__name__
    for part in path.split("."):
        if not hasattr(found, part):
            raise UsageError(f"{source}: {module_name} has no {path!r}; it has {_public(found)}")
        found = getattr(found, part)
    if not callable(found):
        raise UsageError(f"{source}: {path} is no callable but {type(found).__name__}")
    return found


def model_files(source: str, *, folder: str) -> dict[str, str]:
    """The user's files that are loaded, by path, with their SHA-256, once a model of ``source`` was built.

    These are the modules in the folder, and all of the package that the source lies in.
    """
    package = source.partition(":")[0].partition(".")[0]
    root = f"{Path(folder).resolve()}{os.sep}"
    files = [
        file
        for name, module in [*sys.modules.items()]
        if (file := getattr(module, "__file__", None))
        and (name.partition(".")[0] == package or _lies_in(file, root))
    ]
    return file_hashes(files)


def forget_modules(folder: str) -> None:
    """Drop the modules that lie in a folder, so that the next model is opened as in a new process."""
    root = f"{Path(folder).resolve()}{os.sep}"
    for name, module in [*sys.modules.items()]:
        file = getattr(module, "__file__", None)
        if file and _lies_in(file, root) and not file.startswith(OUR_FILES):
            del sys.modules[name]


def file_hashes(paths: Iterable[str]) -> dict[str, str]:
    """SHA-256 of each file; "" of one that cannot be read."""
    hashes = {}
    for path in sorted(paths):
        try:
            hashes[path] = hashlib.sha256(Path(path).read_bytes()).hexdigest()
        except OSError:
            hashes[path] = ""
    return hashes


def _lies_in(file: str, root: str) -> bool:
    """True for a file of the folder that is not installed in an environment below it."""
    return file.startswith(root) and INSTALLED not in file


def _public(owner: object) -> str:
    names = [name for name in vars(owner) if not name.startswith("_")] if hasattr(owner, "__dict__") else []
    return ", ".join(names[:20]) or "no public names"
