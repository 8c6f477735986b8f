"""How a command ends: exit codes, and the one line that says why. No error of ours is taken for a verdict.

``EXIT_CODES`` is the one table of them: README.md, every command's --help and the schema of result files
have it from here.
"""

import difflib
import errno
import os
import sys
import tempfile
import traceback
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager, suppress
from functools import partial
from types import TracebackType

from common.early_stop import INTERRUPTED, TERMINATED, program
from common.terminal import how_far, printable

DONE, FAILED, WRONG_REQUEST, UNAVAILABLE, UNDECIDED, OUR_FAULT = 0, 1, 2, 3, 4, 70
FROM_THE_START = "nothing is kept: the same command begins anew"
# In a word, as --help has it, and in a sentence.
EXIT_CODES = {
    (DONE,): ("done", "done; every comparison has a verdict of its own"),
    (FAILED,): (
        "parity broken, or slower",
        'the verdict is "fail": parity is broken, a gate found a slowdown, a file has bad lines, or a '
        "training loss became NaN",
    ),
    (WRONG_REQUEST,): (
        "the request is wrong",
        "the request is wrong, or the two sides ran with different settings",
    ),
    (UNAVAILABLE,): (
        "cannot be had here",
        "a backend, device, precision, engine, memory or disk cannot be had here, a worker died, or a check "
        "could not be made",
    ),
    (UNDECIDED,): (
        "undecided or invalid",
        "a gate would not see what it guards against, or the machine disturbed everything that was measured",
    ),
    (OUR_FAULT,): (
        "our own fault",
        "a fault of this program; the line names the file with its traceback",
    ),
    (INTERRUPTED, TERMINATED): ("stopped", "after SIGINT, SIGTERM"),
}
LONGEST_LINE = 4000  # characters: more than a screen is no explanation
PACKAGES = {"PIL": "pillow", "sklearn": "scikit-learn", "cpuinfo": "py-cpuinfo", "pynvml": "nvidia-ml-py"}
OURS = ("common", "backends", "benchmarks")
# Whoever asked can mend these: a wrong name, a folder in a file's place, a right that is lacking.
MENDABLE = {
    errno.ENOENT: "name what is there",
    errno.ENOTDIR: "name a path whose folders are folders",
    errno.EISDIR: "name a file",
    errno.EEXIST: "name another",
    errno.EACCES: "choose another place, or change its rights",
    errno.EPERM: "choose another place, or change its rights",
    errno.EROFS: "choose another place",
    errno.ENAMETOOLONG: "choose a shorter name",
    errno.ELOOP: "name a path without a circle of links",
}
FULL = {errno.ENOSPC, errno.EDQUOT, errno.EFBIG}
# How the frameworks say that a file could not be written, or that memory ran out, in errors of any type.
WRITE_WORDS = ("inline_container.cc", "PytorchStreamWriter failed", "write failed")
MEMORY_WORDS = ("out of memory", "can't allocate memory", "bad_alloc", "ResourceExhausted", "MemoryError")


class UsageError(ValueError):
    """The request is wrong: the message names the thing, the place and the remedy (exit code 2)."""


class UnavailableError(RuntimeError):
    """A request that this machine cannot fulfil (exit code 3)."""


class Terminated(BaseException):
    """SIGTERM arrived. Not an Exception, so that nothing swallows it on the way out."""


def exit_codes(*, briefly: bool = False) -> dict[str, str]:
    """What each exit code means; codes that share a meaning stand together, as in "130, 143"."""
    return {
        ", ".join(str(int(code)) for code in codes): meanings[0 if briefly else 1]
        for codes, meanings in EXIT_CODES.items()
    }


def exit_code_line() -> str:
    """All exit codes in one line, for --help."""
    meanings = exit_codes(briefly=True).items()
    return f"Exit codes: {'; '.join(f'{codes} {meaning}' for codes, meaning in meanings)}."


def one_line(text: object, *, limit: int = LONGEST_LINE) -> str:
    """A text for a terminal: one line, of at most ``limit`` characters, without control characters."""
    line = " ".join(str(text).split())
    if len(line) > limit:
        line = f"{line[: limit - 40]} ... ({len(line)} characters)"
    return printable(line)


def near(word: str, known: Sequence[str]) -> str:
    """What somebody may have meant, to be put behind a refusal; nothing where no known word is near."""
    found = difflib.get_close_matches(word, known, n=1)
    return f"; did you mean {found[0]!r}?" if found else ""


def explain(error: BaseException, *, program: str) -> tuple[int, str]:
    """Exit code and sentence for an error that ended a command.

    The traceback of one that nobody foresaw goes to a file, which the sentence names.
    """
    foreseen = _of_ours(error) or _of_the_machine(error)
    return foreseen or (OUR_FAULT, _our_fault(error, program))


def _of_ours(error: BaseException) -> tuple[int, str] | None:
    """Endings that a command chose, or that a signal did."""
    if isinstance(error, UsageError):
        return WRONG_REQUEST, str(error)
    if isinstance(error, UnavailableError):
        return UNAVAILABLE, str(error)
    if isinstance(error, (KeyboardInterrupt, Terminated)):
        return INTERRUPTED if isinstance(error, KeyboardInterrupt) else TERMINATED, _stopped(error)
    return None


def _of_the_machine(error: BaseException) -> tuple[int, str] | None:
    """Endings that lie with the system, the interpreter or what was given to read."""
    if isinstance(error, OSError) and error.errno is not None:
        return _system_error(error)
    if isinstance(error, ImportError) and (error.name or "").partition(".")[0] not in OURS:
        return UNAVAILABLE, _lacking(error)
    if isinstance(error, (MemoryError, RuntimeError)) and (lacking := _used_up(error)) is not None:
        return UNAVAILABLE, lacking
    if isinstance(error, UnicodeError):
        return WRONG_REQUEST, f"text that cannot be read or written ({error}); use UTF-8"
    return None


@contextmanager
def noting_on_stop(how_to_go_on: Callable[[], str]) -> Iterator[None]:
    """Note on an interruption how to go on, for the line that ends the command."""
    try:
        yield
    except (KeyboardInterrupt, Terminated) as stop:
        stop.__notes__ = [*getattr(stop, "__notes__", ()), how_to_go_on()]  # add_note needs Python 3.11
        raise


def _stopped(stop: BaseException) -> str:
    """How far the command was, and how to go on: as noted on the exception, else from the start."""
    far = how_far()
    notes = getattr(stop, "__notes__", ()) or ([FROM_THE_START] if far else ())
    return "; ".join([f"stopped {far}".strip(), *notes])


def _system_error(error: OSError) -> tuple[int, str]:
    names = " -> ".join(
        one_line(name, limit=300) for name in (error.filename, error.filename2) if name is not None
    )
    what = f"{names or 'reading or writing'}: {error.strerror}"
    remedy = MENDABLE.get(error.errno or 0)
    if remedy is not None:
        return WRONG_REQUEST, f"{what}; {remedy}"
    remedy = "make room, or choose another place" if error.errno in FULL else "this machine does not give it"
    return UNAVAILABLE, f"{what}; {remedy}"


def _lacking(error: ImportError) -> str:
    module = (error.name or "").partition(".")[0]
    if not isinstance(error, ModuleNotFoundError):
        return f"{sys.executable} cannot import {module or 'a module'} ({error}); install it anew"
    package = PACKAGES.get(module, module)
    return f"{sys.executable} has no {module}; install with: {sys.executable} -m pip install {package}"


def _used_up(error: MemoryError | RuntimeError) -> str | None:
    """Say of which of the machine's means there was too little; None for any other error."""
    said = one_line(error, limit=200) or "no more is said"
    if isinstance(error, RecursionError):
        return "something is nested too deeply to be read; give it with fewer levels"
    if isinstance(error, MemoryError) or any(word in said for word in MEMORY_WORDS):
        return f"out of memory ({said}); ask for less at once"
    if any(word in said for word in WRITE_WORDS):
        return f"a file could not be written ({said}); make room, or name another place"
    return None


def _our_fault(error: BaseException, program: str) -> str:
    """Write the traceback to a file of its own; where that fails, name the last place in it."""
    text = "".join(traceback.format_exception(error))
    try:
        handle, name = tempfile.mkstemp(prefix=f"{program}-", suffix=".traceback.txt")
        with os.fdopen(handle, "w", encoding="utf-8", errors="backslashreplace") as file:
            file.write(text)
        where = f"its traceback is in {name}"
    except OSError:
        frames = traceback.extract_tb(error.__traceback__)
        last = frames[-1] if frames else None
        where = f"it arose at {last.filename}:{last.lineno}" if last else "it has no traceback"
    said = one_line(error, limit=300)
    return f"a fault of this program, {type(error).__name__}: {said}; {where}: please report it"


def complain(program: str, message: object) -> None:
    """Print on stderr, in one line, what is wrong."""
    with suppress(OSError, ValueError):  # closed or full: there is nowhere else to say it
        if sys.stderr is not None:
            print(f"{program}: {one_line(message)}", file=sys.stderr, flush=True)


def install(name: str = "") -> None:
    """End a command in one line before its main function is reached, too: while its modules are imported.

    An interpreter without NumPy would else end in a traceback and in code 1. ``name`` is the command's, by
    default the module behind -m.
    """
    sys.excepthook = partial(_ended_early, name or program())


def _ended_early(
    name: str, _kind: type[BaseException], error: BaseException, _trace: TracebackType | None
) -> None:
    code, sentence = explain(error, program=name)
    complain(name, sentence)
    os._exit(code)
