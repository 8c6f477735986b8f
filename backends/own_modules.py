"""Modules of the user's and ours in one process, where both may have a package of the same name.

Python keeps one module for each name. Once a user's folder (or what is installed for it) turns out to have a
``common``, ``backends``, ``benchmarks`` or ``tests`` of its own, ``sys.modules`` and ``sys.path`` are the
user's and the frameworks', and ours of that name are kept aside for imports in our own files.
"""

import builtins
import importlib
import os
import sys
import threading
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from importlib.machinery import ModuleSpec, PathFinder
from pathlib import Path
from types import ModuleType
from typing import Any

ROOT = Path(__file__).resolve().parents[1]
OURS = ("common", "backends", "benchmarks", "tests")
OUR_FILES = tuple(f"{ROOT / name}{os.sep}" for name in OURS)
INSTALLED = f"{os.sep}site-packages{os.sep}"


def folders_of(folder: str) -> list[str]:
    """Where a module named in a folder is looked up: there, and in a ``src`` below it."""
    below = Path(folder) / "src"
    return [folder, str(below)] if below.is_dir() else [folder]


class Scopes:
    """Who imports decides what a name means: our files get ours, all others what is theirs."""

    def __init__(self) -> None:
        self._import, self._import_module = builtins.__import__, importlib.import_module
        self._lock = threading.RLock()
        self._depth = 0  # of imports of ours that are under way
        self._folders: list[str] = []
        self._shared: set[str] = set()  # names that both have
        self._ours: dict[str, ModuleType] = {}

    def import_in(self, folder: str, name: str) -> ModuleType:
        """Import a module of the user's.

        Its folder goes before everything else while one of its modules is imported, and behind everything
        else afterwards: a file of the user's never stands in for a framework's.
        """
        if Path(folder).resolve() != ROOT:
            self._open(folder)
        self._folders = list(dict.fromkeys([*folders_of(folder), *self._folders]))
        with self._first(self._folders):
            return self._import_module(name)

    def _open(self, folder: str) -> None:
        """Set aside what of ours has a name that the user has as well, and listen to imports."""
        with self._first(folders_of(folder)):
            names = {name for name in OURS if name not in self._shared and _is_theirs(name)}
        if builtins.__import__ is not self._importing:
            builtins.__import__ = self._importing  # type: ignore[assignment]
            importlib.import_module = self._importing_module
        if names:
            for name in OURS[:-1]:
                self._import_module(name)  # their modules are found without a path from now on
            self._shared |= names
            self._ours |= self._taken()
            sys.path[:] = [place for place in sys.path if not _is_root(place)]
            for finder in _editable():
                if _finds_ours(finder, "backends"):
                    sys.meta_path.remove(finder)

    def _importing(
        self,
        name: str,
        globals: dict[str, Any] | None = None,  # noqa: A002 (Python's own name)
        locals: Any = None,  # noqa: A002
        fromlist: Sequence[str] | None = (),
        level: int = 0,
    ) -> Any:
        """Stand in for Python's ``__import__``."""
        how = (name, globals, locals, fromlist or (), level)
        importer = str((globals or {}).get("__file__") or "")
        if importer.startswith(OUR_FILES):
            top = (globals or {}).get("__package__") if level else name
            return self._for_ours(str(top), lambda: self._import(*how))
        if level or name in sys.modules or not self._is_users(importer):
            return self._import(*how)
        with self._first(self._folders):
            return self._import(*how)

    def _importing_module(self, name: str, package: str | None = None) -> ModuleType:
        """Stand in for ``importlib.import_module``."""
        importer = str(sys._getframe(1).f_globals.get("__file__") or "")
        if importer.startswith(OUR_FILES):
            top = package if name.startswith(".") else name
            module: ModuleType = self._for_ours(str(top), lambda: self._import_module(name, package))
            return module
        if name in sys.modules or not self._is_users(importer):
            return self._import_module(name, package)
        with self._first(self._folders):
            return self._import_module(name, package)

    def _for_ours(self, name: str, load: Any) -> Any:
        """Import with ours in their places, if it is a name that both have."""
        if name.partition(".")[0] not in self._shared:
            return load()
        with self._lock:
            if self._depth:
                return load()
            theirs, self._depth = self._taken(), self._depth + 1
            sys.modules.update(self._ours)
            try:
                return load()
            finally:
                self._ours = self._taken()
                sys.modules.update(theirs)
                self._depth -= 1

    def _taken(self) -> dict[str, ModuleType]:
        """The modules of the shared names, taken out of ``sys.modules``."""
        names = [name for name in sys.modules if name.partition(".")[0] in self._shared]
        return {name: sys.modules.pop(name) for name in names}

    def _is_users(self, file: str) -> bool:
        return INSTALLED not in file and any(file.startswith(f"{place}{os.sep}") for place in self._folders)

    @contextmanager
    def _first(self, folders: Sequence[str]) -> Iterator[None]:
        """Context in which folders are searched before everything else; behind everything else after it."""
        with self._lock:
            sys.path[:0] = folders
            try:
                yield
            finally:
                for place in folders:
                    sys.path.remove(place)
                    if place not in sys.path:
                        sys.path.append(place)


def _is_theirs(name: str) -> bool:
    """True if a name is found that is not our package of that name."""
    places = [place for place in sys.path if not _is_root(place)]
    found = [PathFinder.find_spec(name, places), *(finder.find_spec(name, None) for finder in _editable())]
    return any(spec is not None and not _is_ours(spec, name) for spec in found)


def _editable() -> list[Any]:
    """Finders of packages that are installed as they lie in a checkout."""
    return [
        finder for finder in sys.meta_path if getattr(finder, "__module__", "").startswith("__editable__")
    ]


def _finds_ours(finder: Any, name: str) -> bool:
    spec = finder.find_spec(name, None)
    return spec is not None and _is_ours(spec, name)


def _is_ours(spec: ModuleSpec, name: str) -> bool:
    places = [*(spec.submodule_search_locations or ()), *([spec.origin] if spec.origin else [])]
    return any(Path(place).resolve().is_relative_to(ROOT / name) for place in places)


def _is_root(place: str) -> bool:
    """True for the folder of our checkout; where we are installed, others' packages lie beside ours."""
    return "site-packages" not in ROOT.parts and Path(place or ".").resolve() == ROOT


SCOPES = Scopes()
