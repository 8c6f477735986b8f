"""Signals from the first moment on. Before it Python prints a traceback of its own, and nothing of ours runs.

Imported before all else, so it imports nothing that is not there when an interpreter has started.
"""

import os
import signal
import sys

INTERRUPTED, TERMINATED = 128 + signal.SIGINT, 128 + signal.SIGTERM


def install(name: str = "") -> None:
    """End this process in one line at SIGINT and SIGTERM, until a command has handlers of its own.

    A signal that is ignored stays so. ``name`` is the command's, by default the module behind -m.
    """

    def stop(number: int, _frame: object) -> None:
        """End at once: modules on their way in have nothing to clean up, and some hide KeyboardInterrupt."""
        try:
            os.write(2, f"{name or program()}: stopped\n".encode(errors="backslashreplace"))
        finally:  # closed or full: there is nowhere to say it
            os._exit(128 + number)

    if signal.getsignal(signal.SIGINT) is signal.default_int_handler:
        signal.signal(signal.SIGINT, stop)
    if signal.getsignal(signal.SIGTERM) is signal.SIG_DFL:
        signal.signal(signal.SIGTERM, stop)


def program() -> str:
    """The module behind -m, else the script's name."""
    words = sys.orig_argv
    return words[words.index("-m") + 1] if "-m" in words[:-1] else os.path.basename(sys.argv[0])  # noqa: PTH119
