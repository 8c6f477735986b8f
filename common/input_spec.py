"""An input of a model that takes something else than a batch of images."""

import math
from dataclasses import dataclass
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    import numpy as np

DTYPES = ("float32", "int64", "bool")


@dataclass(frozen=True, kw_only=True)
class InputSpec:
    """One input of a model, without the batch; integers are drawn from 0 to ``below``."""

    name: str
    shape: tuple[int, ...]
    dtype: str = "float32"
    below: int = 2

    @classmethod
    def parse(cls, text: str) -> "InputSpec":
        """Read NAME=SIDE,SIDE,...[:dtype[<LIMIT]], as in tokens=16:int64<1000. Raises ValueError.

        Only integers have a limit, of 1 at least.
        """
        name, equals, rest = text.partition("=")
        sides, _, kind = rest.partition(":")
        dtype, _, below = kind.partition("<")
        shape = tuple(int(side) for side in sides.split(","))
        is_limit = not below or (dtype == "int64" and int(below) > 0)
        if not (equals and name and min(shape) > 0 and (dtype or "float32") in DTYPES and is_limit):
            raise ValueError(text)
        return cls(name=name, shape=shape, dtype=dtype or "float32", below=int(below or 2))

    @property
    def text(self) -> str:
        """As ``parse`` reads it."""
        limit = f"<{self.below}" if self.dtype == "int64" else ""
        return f"{self.name}={','.join(map(str, self.shape))}:{self.dtype}{limit}"

    @property
    def size(self) -> int:
        """Numbers of it, for one image."""
        return math.prod(self.shape)

    def draw(self, rng: "np.random.Generator", batch_size: int) -> "np.ndarray":
        """A batch of it: N(0, 1), integers from 0 below the limit, or True and False."""
        shape = (batch_size, *self.shape)
        if self.dtype == "float32":
            return rng.standard_normal(shape, dtype="float32")
        return rng.integers(self.below, size=shape).astype(self.dtype)
