"""Shared by every command: one-line errors, exit codes, an orderly end after a signal.

Exit codes: 0 done; 1 the verdict is "fail"; 2 the request is wrong; 3 what was asked for cannot
be had here, or a worker died; 130 after SIGINT, 143 after SIGTERM.
"""

import argparse
import os
import signal
import sys
from collections.abc import Callable, Sequence
from typing import NoReturn

from common.terminal import how_far, printable

DONE, FAILED, WRONG_REQUEST, UNAVAILABLE = 0, 1, 2, 3


class UsageError(ValueError):
    """The request is wrong: the message names the thing, the place and the remedy (exit code 2)."""


class UnavailableError(RuntimeError):
    """A request that this machine cannot fulfil (exit code 3)."""


class Terminated(BaseException):
    """SIGTERM arrived. Not an Exception, so that nothing swallows it on the way out."""


class Parser(argparse.ArgumentParser):
    """An ArgumentParser whose errors are one line, and which never guesses abbreviated flags."""

    def __init__(self, **options: object) -> None:
        super().__init__(allow_abbrev=False, **options)  # type: ignore[arg-type]

    def error(self, message: str) -> NoReturn:
        """Leave with exit code 2 and one line."""
        self.exit(WRONG_REQUEST, f"{self.prog}: {printable(message)} (--help lists every flag)\n")


def run(main: Callable[[Sequence[str]], int], *, program: str) -> NoReturn:
    """Run a command's main function and leave the process with the exit code that it earned."""
    signal.signal(signal.SIGTERM, _raise_terminated)
    try:
        code = main(sys.argv[1:])
        sys.stdout.flush()
    except UsageError as error:
        code = _complain(program, error, code=WRONG_REQUEST)
    except UnavailableError as error:
        code = _complain(program, error, code=UNAVAILABLE)
    except BrokenPipeError:  # the reader of our output has gone, as in `... | head`
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
        code = DONE
    except KeyboardInterrupt as interrupt:
        code = _stopped(program, interrupt, signal.SIGINT)
    except Terminated as termination:
        code = _stopped(program, termination, signal.SIGTERM)
    sys.exit(code)


def complain(program: str, message: object) -> None:
    """Say on stderr, in one line, what is wrong."""
    print(f"{program}: {printable(' '.join(str(message).split()))}", file=sys.stderr)


def _complain(program: str, error: Exception, *, code: int) -> int:
    complain(program, error)
    return code


def _stopped(program: str, stop: BaseException, number: signal.Signals) -> int:
    """Say how far the command was and, where it has noted that on the exception, how to go on."""
    complain(program, "; ".join([f"stopped {how_far()}".strip(), *getattr(stop, "__notes__", ())]))
    return 128 + number


def _raise_terminated(_signal: int, _frame: object) -> NoReturn:
    signal.signal(signal.SIGTERM, signal.SIG_IGN)  # a second one must not interrupt the clean-up
    raise Terminated
