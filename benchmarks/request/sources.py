"""MODULE:CALLABLE checked before anything is started: what can be seen without importing it."""

import ast
import importlib.util
import sys
from pathlib import Path

from backends import interpreter
from backends.own_modules import folders_of
from common.cli import UsageError


def require_source(source: str, *, backend: str, folder: Path) -> None:
    """Raise UsageError for a module that is missing or no Python, and for a name that it does not define.

    A module that is not in the folder must be installed; if the backend has an interpreter of its own, only
    its worker can tell.
    """
    module, colon, path = source.partition(":")
    if not colon or not module or not path:
        raise UsageError(f"{source!r}: expected MODULE:CALLABLE, as in my.models:build")
    file = file_of(module, folder)
    if file is None:
        if interpreter(backend) == sys.executable:
            _require_installed(source, module, folder)
        return
    try:
        tree = ast.parse(file.read_bytes(), str(file))
    except SyntaxError as error:
        raise UsageError(f"{file}:{error.lineno}: {error.msg}") from None
    names = _names(tree)
    first = path.partition(".")[0]
    if first not in names and not {"*", "__getattr__"} & names:
        raise UsageError(
            f"{source}: {file} has no {first!r}; it has {', '.join(sorted(names)) or 'no names'}"
        )


def file_of(module: str, folder: Path) -> Path | None:
    """The file of a module that lies in the user's folder or in its ``src``; None if none does."""
    bases = [Path(place).joinpath(*module.split(".")) for place in folders_of(str(folder))]
    files = [file for base in bases for file in (base.with_suffix(".py"), base / "__init__.py")]
    return next((file for file in files if file.is_file()), None)


def _require_installed(source: str, module: str, folder: Path) -> None:
    top = module.partition(".")[0]
    if (
        not any((Path(place) / top).is_dir() for place in folders_of(str(folder)))
        and importlib.util.find_spec(top) is None
    ):
        raise UsageError(
            f"{source}: no module {top!r} in {folder}, and none is installed; give the command in the folder "
            f"that holds it"
        )


def _names(tree: ast.Module) -> set[str]:
    """Names that a module binds, wherever; "*" if it imports all of another one's."""
    found: set[str] = set()
    for node in ast.walk(tree):
        if isinstance(node, (ast.FunctionDef, ast.AsyncFunctionDef, ast.ClassDef)):
            found.add(node.name)
        elif isinstance(node, (ast.Import, ast.ImportFrom)):
            found |= {(alias.asname or alias.name).partition(".")[0] for alias in node.names}
        elif isinstance(node, ast.Name) and isinstance(node.ctx, ast.Store):
            found.add(node.id)
    return found
