"""What a framework says while it is imported, and nobody asked."""

import contextlib
import io
import sys
import warnings
from collections.abc import Iterator

# paddle's: that threads are set (by us, alike for both), and that no compiler cache is installed.
IDLE = ("OMP_NUM_THREADS",)
IDLE_WARNINGS = ("No ccache found",)


@contextlib.contextmanager
def without_chatter() -> Iterator[None]:
    """Import a framework inside: lines on stderr that say nothing of use are left out, others are kept."""
    said = io.StringIO()
    try:
        with contextlib.redirect_stderr(said), warnings.catch_warnings():
            for message in IDLE_WARNINGS:
                warnings.filterwarnings("ignore", message=message)
            yield
    finally:
        for line in said.getvalue().splitlines(keepends=True):
            if not any(word in line for word in IDLE):
                sys.stderr.write(line)
