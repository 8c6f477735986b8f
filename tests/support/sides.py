"""Sides of a comparison that live in this process, sound ones and broken ones."""

import importlib
from types import SimpleNamespace

from benchmarks.worker.tasks import Tasks


class LocalSide:
    """A worker's tasks without the worker: fast, and open to planted faults."""

    def __init__(self, name, backend):
        self.tasks = Tasks(name, backend)

    def ask(self, task, **arguments):
        return getattr(self.tasks, task)(**arguments)


def altered(backend, **functions):
    """The backend with some of its functions replaced."""
    return SimpleNamespace(**{name: getattr(backend, name) for name in backend.__all__} | functions)


def module(backend, name):
    """A file of a twin."""
    return importlib.import_module(f"{backend.__name__}.{name}")
