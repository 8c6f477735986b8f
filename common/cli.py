"""Shared by every command: one-line errors, exit codes, an orderly end after a signal."""

import argparse
import os
import signal
import sys
from collections.abc import Callable, Sequence
from contextlib import suppress
from typing import Any, NoReturn

from common.endings import (
    DONE,
    FAILED,
    OUR_FAULT,
    UNAVAILABLE,
    UNDECIDED,
    WRONG_REQUEST,
    Terminated,
    UnavailableError,
    UsageError,
    complain,
    exit_code_line,
    explain,
    noting_on_stop,
    one_line,
)

__all__ = [
    "DONE",
    "FAILED",
    "OUR_FAULT",
    "UNAVAILABLE",
    "UNDECIDED",
    "WRONG_REQUEST",
    "Parser",
    "Terminated",
    "UnavailableError",
    "UsageError",
    "complain",
    "noting_on_stop",
    "one_line",
    "run",
]


class Parser(argparse.ArgumentParser):
    """An ArgumentParser whose errors are one line, and which never guesses abbreviated flags.

    Its help ends with the exit codes.
    """

    def __init__(self, **options: object) -> None:
        super().__init__(allow_abbrev=False, **{"epilog": exit_code_line()} | options)  # type: ignore[arg-type]

    def _print_message(self, message: str, file: Any = None) -> None:
        """Print; argparse's own hides it if standard output is full."""
        with suppress(*(() if file is sys.stdout else (OSError, AttributeError))):
            print(message, end="", file=file or sys.stderr)

    def error(self, message: str) -> NoReturn:
        """Leave with exit code 2 and one line."""
        self.exit(WRONG_REQUEST, f"{self.prog}: {one_line(message)} (--help lists every flag)\n")


def run(main: Callable[[Sequence[str]], int], *, program: str) -> NoReturn:
    """Run a command's main function and leave the process with the exit code that it earned."""
    signal.signal(signal.SIGTERM, _raise_terminated)
    interrupts = _Interrupts()
    try:
        _require_streams()
        code = main(sys.argv[1:])
    except BrokenPipeError:  # the reader of our output has gone, as in `... | head`
        code = DONE
    except SystemExit as end:  # argparse's, after --help or an error that it has printed
        code = end.code if isinstance(end.code, int) else DONE
    except BaseException as error:
        # A module that is interrupted while it is imported may raise another error than KeyboardInterrupt.
        if interrupts.arrived and not isinstance(error, KeyboardInterrupt):
            error = KeyboardInterrupt()
        code, sentence = explain(error, program=program)
        complain(program, sentence)
    sys.exit(_flushed(code, program))


class _Interrupts:
    """Raises KeyboardInterrupt at SIGINT, unless that is ignored here, and remembers that it did."""

    def __init__(self) -> None:
        self.arrived = False
        if signal.getsignal(signal.SIGINT) is not signal.SIG_IGN:
            signal.signal(signal.SIGINT, self._raise)

    def _raise(self, _signal: int, _frame: object) -> NoReturn:
        self.arrived = True
        raise KeyboardInterrupt


def _require_streams() -> None:
    """Raise UnavailableError where nothing can be printed; print odd bytes of file names as escapes."""
    if sys.stderr is None:
        # Else the next file that is opened would have stderr's number, and errors would be written into it.
        os.open(os.devnull, os.O_WRONLY)
        sys.stderr = os.fdopen(os.open(os.devnull, os.O_WRONLY), "w")
    if sys.stdout is None:
        raise UnavailableError(
            "standard output is closed, and results are printed there; redirect it to a file"
        )
    for stream in (sys.stdout, sys.stderr):
        if hasattr(stream, "reconfigure"):
            stream.reconfigure(errors="backslashreplace")


def _flushed(code: int, program: str) -> int:
    """Write out what was printed; the exit code, which is another where that cannot be written."""
    try:
        if sys.stdout is not None:
            sys.stdout.flush()
    except OSError as error:
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())  # or Python tries again at its end
        if code == DONE and not isinstance(error, BrokenPipeError):
            complain(program, f"standard output: {error.strerror}; redirect it to where there is room")
            return UNAVAILABLE
    return code


def _raise_terminated(_signal: int, _frame: object) -> NoReturn:
    signal.signal(signal.SIGTERM, signal.SIG_IGN)  # a second one must not interrupt the clean-up
    raise Terminated
