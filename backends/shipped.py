"""Builders of the networks that torchvision and paddle.vision both ship: ``torch.resnet18()``."""

import importlib
from functools import partial
from typing import Any

from common.cli import UnavailableError, UsageError
from common.shipped import MODULES, NETWORKS


class Library:
    """A side's builders as attributes, with the arguments that make the two sides alike."""

    def __init__(self, backend: str) -> None:
        self._backend = backend

    def __getattr__(self, name: str) -> Any:
        entry = NETWORKS.get(name)
        if entry is None:
            raise AttributeError(name)
        module = MODULES[self._backend]
        try:
            models = importlib.import_module(module)
        except ImportError as error:
            raise UnavailableError(f"{module} cannot be imported ({error}); install it") from None
        builder = getattr(models, entry.builders.get(self._backend, name), None)
        if builder is None:
            raise UsageError(f"{module} here has no {name}; a later version may")
        return partial(builder, **entry.arguments.get(self._backend, {}))


torch, paddle = Library("torch"), Library("paddle")
