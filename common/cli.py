"""Shared by every command: one-line errors, exit codes, an orderly end after a signal."""

import argparse
import os
import signal
import sys
from collections.abc import Callable, Sequence
from contextlib import suppress
from typing import Any, NoReturn

from common.command_examples import examples
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
    near,
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


UNRECOGNIZED = "unrecognized arguments: "


class _Formatter(argparse.HelpFormatter):
    """Leaves examples as they are, which are indented, and fills other paragraphs."""

    def _fill_text(self, text: str, width: int, indent: str) -> str:
        parts = text.split("\n\n")
        return "\n\n".join(
            part if "\n  " in part else super(_Formatter, self)._fill_text(part, width, indent)
            for part in parts
        )


Group = argparse._ArgumentGroup  # what add_argument_group returns has no public name


class Parser(argparse.ArgumentParser):
    """An ArgumentParser whose errors are one line, and which never guesses abbreviated flags.

    It names the near match of a misspelt word. Its help ends with examples and the exit codes.
    """

    def __init__(self, **options: object) -> None:
        super().__init__(allow_abbrev=False, formatter_class=_Formatter, **options)  # type: ignore[arg-type]
        if self.epilog is None:
            parts = (examples(self.prog), exit_code_line())
            self.epilog = "\n\n".join(part for part in parts if part)

    def _print_message(self, message: str, file: Any = None) -> None:
        """Print; argparse's own hides it if standard output is full."""
        with suppress(*(() if file is sys.stdout else (OSError, AttributeError))):
            print(message, end="", file=file or sys.stderr)

    def _check_value(self, action: argparse.Action, value: Any) -> None:
        """Refuse what is none of the choices, with the near one."""
        if action.choices is not None and value not in action.choices:
            known = [str(choice) for choice in action.choices]
            said = f"invalid choice: {value!r} (choose from {', '.join(known)}){near(str(value), known)}"
            raise argparse.ArgumentError(action, said)

    def error(self, message: str) -> NoReturn:
        """Leave with exit code 2 and one line."""
        unknown = message.removeprefix(UNRECOGNIZED).split()
        if message.startswith(UNRECOGNIZED) and unknown:
            message += near(unknown[0].partition("=")[0], [*self._option_string_actions])
        self.exit(WRONG_REQUEST, f"{self.prog}: {one_line(message)} (--help lists every flag)\n")


def run(main: Callable[[Sequence[str]], int], *, program: str) -> NoReturn:
    """Run a command's main function and leave the process with the exit code that it earned."""
    stops = _Stops()
    try:
        _require_streams()
        code = main(sys.argv[1:])
    except BrokenPipeError:  # the reader of our output has gone, as in `... | head`
        code = DONE
    except SystemExit as end:  # argparse's, after --help or an error that it has printed
        code = end.code if isinstance(end.code, int) else DONE
    except BaseException as error:
        # A module that is stopped while it is imported may raise another error than we did.
        if stops.arrived is not None and not isinstance(error, stops.arrived):
            error = stops.arrived()
        code, sentence = explain(error, program=program)
        complain(program, sentence)
    sys.exit(_flushed(code, program))


class _Stops:
    """Raises KeyboardInterrupt at SIGINT, unless that is ignored here, and Terminated at SIGTERM.

    Remembers which of them it raised last.
    """

    def __init__(self) -> None:
        self.arrived: type[BaseException] | None = None
        signal.signal(signal.SIGTERM, self._terminate)
        if signal.getsignal(signal.SIGINT) is not signal.SIG_IGN:
            signal.signal(signal.SIGINT, self._interrupt)

    def _interrupt(self, _signal: int, _frame: object) -> NoReturn:
        self.arrived = KeyboardInterrupt
        raise KeyboardInterrupt

    def _terminate(self, _signal: int, _frame: object) -> NoReturn:
        signal.signal(signal.SIGTERM, signal.SIG_IGN)  # a second one must not interrupt the clean-up
        self.arrived = Terminated
        raise Terminated


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
