"""Settings that decide speed and rounding beside the model."""

from collections.abc import Callable
from dataclasses import asdict, dataclass
from typing import Any, NamedTuple

ONLY_SOMETIMES = ("optimizer", "augment", "workers")  # left out of JSON where they have no meaning


class Setting(NamedTuple):
    """A framework's setting: its getter and its setter."""

    read: Callable[[], Any]
    write: Callable[[Any], object]


@dataclass(frozen=True, kw_only=True)
class Settings:
    """Settings in force, read back from the framework.

    None: without meaning on this device, or unknown. ``layout`` and ``activation_dtype`` are those of an
    activation that really ran.
    """

    threads: int
    tf32_matmul: bool | None = None
    tf32_convolution: bool | None = None
    autotune: bool | None = None
    deterministic: bool | None = None
    layout: str | None = None
    activation_dtype: str | None = None
    optimizer: str | None = None
    augment: bool | None = None
    workers: int | None = None

    def to_json(self) -> dict[str, Any]:
        """As a result file has it."""
        values = asdict(self)
        return {
            name: value for name, value in values.items() if value is not None or name not in ONLY_SOMETIMES
        }
