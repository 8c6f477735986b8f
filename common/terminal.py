"""Text for people: what names and files hold cannot move their terminal's cursor, and bars fit a log file."""

import logging
import sys
import unicodedata
from typing import TYPE_CHECKING, Any, TextIO

if TYPE_CHECKING:
    from tqdm import tqdm

# As tqdm's own, but never with the seconds of a unit in place of its rate.
BAR = "{l_bar}{bar}| {n_fmt}/{total_fmt} [{elapsed}<{remaining}, {rate_noinv_fmt}{postfix}]"
LOG_SECONDS = 30  # between a bar's lines where nobody watches
# Control characters, marks that turn the direction of writing, bytes of a name that are no UTF-8, line ends.
UNPRINTABLE = frozenset({"Cc", "Cf", "Cs", "Zl", "Zp"})
JOINERS = frozenset("\u200c\u200d")  # letters of Persian and parts of emoji are joined by them


def printable(text: object) -> str:
    r"""``text`` with escapes for everything that a terminal would obey: \x1b, \u202e, \xff of a bad name."""
    words = str(text)
    if words.isprintable():
        return words
    return "".join(_escaped(letter) for letter in words)


def _escaped(letter: str) -> str:
    if letter in JOINERS or unicodedata.category(letter) not in UNPRINTABLE:
        return letter
    code = ord(letter)
    if 0xDC80 <= code <= 0xDCFF:  # a byte that is no UTF-8, as Python names it
        code -= 0xDC00
    return f"\\x{code:02x}" if code < 0x100 else f"\\u{code:04x}" if code < 0x10000 else f"\\U{code:08x}"


class PrintableFormatter(logging.Formatter):
    """Log lines that hold nothing but what can be printed."""

    def format(self, record: logging.LogRecord) -> str:
        """The record as one printable line."""
        return printable(" ".join(super().format(record).split()))


def configure_logging(program: str) -> None:
    """Show the warnings of this process on stderr, one line each."""
    handler = logging.StreamHandler()
    handler.setFormatter(PrintableFormatter(f"{program}: %(message)s"))
    logging.basicConfig(level=logging.WARNING, handlers=[handler])


class _Lines:
    """A stream for tqdm on which each state of a bar is a line of its own."""

    def __init__(self, stream: TextIO) -> None:
        self._stream, self._last = stream, ""

    def write(self, text: str) -> None:
        line = text.strip()
        if line and line != self._last:
            self._stream.write(f"{line}\n")
            self._last = line

    def flush(self) -> None:
        self._stream.flush()


_bars: "list[tqdm[Any]]" = []


def progress(
    *, total: int | None, done: int = 0, unit: str, scaled: bool = False, shown: bool = True, what: str = ""
) -> "tqdm[Any]":
    """A bar of ``total`` units (such as "images"), ``done`` of them before; ``what`` stands before it.

    Units that are ``scaled`` are shown by the thousand and the million.

    If stderr is no terminal, it prints a line every half minute. An interrupted command says how far its last
    bar was.
    """
    from tqdm import tqdm  # not for --help

    class Bar(tqdm):  # type: ignore[type-arg]
        def __exit__(self, kind: Any, *more: Any) -> None:
            super().__exit__(kind, *more)
            if kind is None and self in _bars:  # gone through, or ended before its total on purpose
                _bars.remove(self)

        def __hash__(self) -> int:
            return id(self)

        def __eq__(self, other: object) -> bool:
            return self is other  # and not "as many are done", as tqdm's own

    watched = sys.stderr.isatty()
    bar = Bar(
        total=total,
        initial=done,
        unit=f" {unit}",
        bar_format=BAR,
        unit_scale=scaled,
        desc=what or None,
        file=sys.stderr if watched else _Lines(sys.stderr),
        mininterval=0.1 if watched else LOG_SECONDS,
        miniters=1,  # the clock alone decides: with more, a thread of tqdm's doubles the lines of a log
        delay=0.5 if watched else LOG_SECONDS,  # what is done sooner needs none
        dynamic_ncols=watched,
        leave=None,  # of bars within bars the outer one
        disable=not shown,
    )
    _bars[:] = [each for each in _bars if each.n < (each.total or 0)]
    if shown:
        _bars.append(bar)  # closing it disables it, and it still says how far it was
    return bar


def how_far() -> str:
    """What the unfinished bars of this process have done: "at 120 of 300 images"; "" without any."""
    unfinished = [bar for bar in _bars if bar.total and bar.n < bar.total]
    places = [f"{bar.n:,} of {bar.total:,} {bar.unit.strip()}" for bar in unfinished]
    return f"at {', '.join(places)}" if places else ""
