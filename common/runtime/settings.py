"""A setting of a framework, whatever way the framework reads and sets it."""

from collections.abc import Callable
from typing import Any, NamedTuple


class Setting(NamedTuple):
    """How a setting is read back, and how it is set."""

    read: Callable[[], Any]
    write: Callable[[Any], object]
