"""Ctrl-C and SIGTERM from the first moment on.

Before it Python prints a traceback of its own, and nothing of ours runs. Imported before all else, so it
imports nothing that is not there when an interpreter has started.
"""

import os
import signal
import sys

INTERRUPTED = 128 + signal.SIGINT


_named: "list[str]" = []  # by whoever starts a module of ours otherwise than with -m


def install(name: str = "") -> None:
    """End this process in one line at a signal, unless that is ignored, until a command has its own handler.

    ``name`` is the program's, by default that of the module behind -m.
    """
    _named[:] = [name] if name else _named
    if signal.getsignal(signal.SIGINT) is signal.default_int_handler:
        signal.signal(signal.SIGINT, _stop)
    if signal.getsignal(signal.SIGTERM) is signal.SIG_DFL:
        signal.signal(signal.SIGTERM, _stop)


def program() -> str:
    """The name that ``install`` was given, else the module behind -m, else the script's name."""
    if _named:
        return _named[0]
    words = sys.orig_argv
    return words[words.index("-m") + 1] if "-m" in words[:-1] else os.path.basename(sys.argv[0])  # noqa: PTH119


def _stop(number: int, _frame: object) -> None:
    """End at once: modules on their way in have nothing to clean up, and some hide KeyboardInterrupt."""
    try:
        os.write(2, f"{program()}: stopped\n".encode(errors="backslashreplace"))
    finally:  # closed or full: there is nowhere to say it
        os._exit(128 + number)
