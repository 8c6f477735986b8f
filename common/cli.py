"""Shared by every command: one-line errors, exit codes, an orderly end after a signal.

Exit codes: 0 done; 1 the verdict is "fail"; 2 the request is wrong; 3 what was asked for cannot
be had here, or a worker died; 4 undecided or invalid where a decision was asked for; 130 after SIGINT, 143
after SIGTERM.
"""

import argparse
import os
import signal
import sys
from collections.abc import Callable, Sequence
from typing import TYPE_CHECKING, Any, NoReturn

if TYPE_CHECKING:
    from tqdm import tqdm

DONE, FAILED, WRONG_REQUEST, UNAVAILABLE, UNDECIDED = 0, 1, 2, 3, 4


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
        self.exit(WRONG_REQUEST, f"{self.prog}: {message} (--help lists every flag)\n")


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
    except KeyboardInterrupt:
        code = 128 + signal.SIGINT
    except Terminated:
        code = 128 + signal.SIGTERM
    sys.exit(code)


def complain(program: str, message: object) -> None:
    """Say on stderr, in one line, what is wrong."""
    print(f"{program}: {' '.join(str(message).split())}", file=sys.stderr)


def _complain(program: str, error: Exception, *, code: int) -> int:
    complain(program, error)
    return code


def _raise_terminated(_signal: int, _frame: object) -> NoReturn:
    signal.signal(signal.SIGTERM, signal.SIG_IGN)  # a second one must not interrupt the clean-up
    raise Terminated


def progress(*, total: int, done: int = 0, unit: str = "it", shown: bool = True) -> "tqdm[Any]":
    """A bar of ``total`` units, ``done`` of them before.

    If stderr is no terminal, it prints a line now and then.
    """
    from tqdm import tqdm  # not for --help

    return tqdm(
        total=total,
        initial=done,
        unit=unit,
        file=sys.stderr,
        mininterval=0.1 if sys.stderr.isatty() else 20,
        dynamic_ncols=True,
        disable=not shown,
    )
