"""The progress bar, on stderr: how much is done, and how long the rest will take."""

import sys
from typing import Any

from tqdm import tqdm


def progress(*, total: int, done: int = 0, unit: str = "it", shown: bool = True) -> "tqdm[Any]":
    """A bar of ``total`` units, ``done`` of them before; where stderr is no terminal, a line now and then."""
    return tqdm(
        total=total,
        initial=done,
        unit=unit,
        file=sys.stderr,
        mininterval=0.1 if sys.stderr.isatty() else 20,
        dynamic_ncols=True,
        disable=not shown,
    )
