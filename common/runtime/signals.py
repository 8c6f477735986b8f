"""Signal handlers that a framework puts in the place of ours."""

import signal
import threading
from collections.abc import Iterator
from contextlib import contextmanager

KEPT = (signal.SIGTERM, signal.SIGINT)


@contextmanager
def undisturbed_signals() -> Iterator[None]:
    """Import a framework inside: afterwards SIGTERM and SIGINT do what they did before.

    Importing paddle makes SIGTERM print a trace and end the process on the spot: nothing would be cleaned
    up, and users would see what looks like a crash.
    """
    if threading.current_thread() is not threading.main_thread():  # which alone may set handlers
        yield
        return
    before = {number: signal.getsignal(number) for number in KEPT}
    try:
        yield
    finally:
        for number, handler in before.items():
            if handler is not None:  # one that was not set by Python stays what it is
                signal.signal(number, handler)
