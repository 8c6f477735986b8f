"""Import a framework without what it changes in this process, and without lines that say nothing."""

import contextlib
import io
import os
import signal
import sys
import threading
import warnings
from collections.abc import Iterator

from common.runtime.devices import available_cores

# paddle's: that threads are set (by us, alike for both), and that no compiler cache is installed.
HARMLESS_LINES = ("OMP_NUM_THREADS",)
HARMLESS_WARNINGS = ("No ccache found",)
HANDLED = (signal.SIGTERM, signal.SIGINT)


@contextlib.contextmanager
def framework_import() -> Iterator[None]:
    """Import a framework inside: thread count, signal handlers and stderr are as they were afterwards."""
    with _kept_threads(), _kept_signals(), _without_harmless_lines():
        yield


@contextlib.contextmanager
def _kept_threads() -> Iterator[None]:
    """Keep a framework from deciding the other's thread count.

    Importing paddle sets OMP_NUM_THREADS=1 for the whole process where it is unset. A torch imported
    after it, and every child process, would silently compute on one core.
    """
    before = os.environ.get("OMP_NUM_THREADS")
    os.environ.setdefault("OMP_NUM_THREADS", str(available_cores()))
    try:
        yield
    finally:
        if before is None:
            os.environ.pop("OMP_NUM_THREADS", None)
        else:
            os.environ["OMP_NUM_THREADS"] = before


@contextlib.contextmanager
def _kept_signals() -> Iterator[None]:
    """Restore the handlers of SIGTERM and SIGINT.

    Importing paddle makes SIGTERM print a trace and end the process on the spot: nothing would be cleaned
    up, and users would see what looks like a crash.
    """
    if threading.current_thread() is not threading.main_thread():  # which alone may set handlers
        yield
        return
    before = {number: signal.getsignal(number) for number in HANDLED}
    try:
        yield
    finally:
        for number, handler in before.items():
            if handler is not None:  # one that was not set by Python stays what it is
                signal.signal(number, handler)


@contextlib.contextmanager
def _without_harmless_lines() -> Iterator[None]:
    """Suppress known-harmless stderr lines while a framework is imported; others are kept."""
    written = io.StringIO()
    try:
        with contextlib.redirect_stderr(written), warnings.catch_warnings():
            for message in HARMLESS_WARNINGS:
                warnings.filterwarnings("ignore", message=message)
            yield
    finally:
        for line in written.getvalue().splitlines(keepends=True):
            if not any(word in line for word in HARMLESS_LINES):
                sys.stderr.write(line)
