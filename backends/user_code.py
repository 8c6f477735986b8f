"""MODULE:CALLABLE, found in the folder where the command was given. Runs in a worker."""

import importlib
import sys
from typing import Any

from common.cli import UsageError


def resolve(source: str, *, folder: str) -> Any:
    """The callable that ``source`` names. Raises UsageError saying which part cannot be found.

    The folder goes before everything else while its module is imported, and behind everything else
    afterwards: a file of the user's must never stand in for a framework's or for ours.
    """
    module_name, colon, path = source.partition(":")
    if not colon or not module_name or not path:
        raise UsageError(f"{source!r}: expected MODULE:CALLABLE, as in my.models:build")
    sys.path.insert(0, folder)
    try:
        found: Any = importlib.import_module(module_name)
    except ModuleNotFoundError as error:
        raise UsageError(
            f"{source}: no module {error.name!r}; give the command in the folder that holds it "
            f"(now {folder}) or install it for {sys.executable}"
        ) from None
    finally:
        sys.path.remove(folder)
        if folder not in sys.path:
            sys.path.append(folder)
    for part in path.split("."):
        if not hasattr(found, part):
            raise UsageError(f"{source}: {module_name} has no {path!r}; it has {_public(found)}")
        found = getattr(found, part)
    if not callable(found):
        raise UsageError(f"{source}: {path} is no callable but {type(found).__name__}")
    return found


def _public(owner: object) -> str:
    names = [name for name in vars(owner) if not name.startswith("_")] if hasattr(owner, "__dict__") else []
    return ", ".join(names[:20]) or "no public names"
