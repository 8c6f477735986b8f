"""The progress bar, on stderr: what is measured, how much is done, how long it will take."""

import sys
from typing import Any

from tqdm import tqdm


def progress(*, total: int) -> "tqdm[Any]":
    """A bar of ``total`` combinations or rounds; where stderr is no terminal, a line now and then."""
    return tqdm(
        total=total, file=sys.stderr, mininterval=0.1 if sys.stderr.isatty() else 20, dynamic_ncols=True
    )
