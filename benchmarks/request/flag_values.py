"""Flag values: what is not as it should be becomes a one-line error of the parser."""

import argparse
from collections.abc import Callable, Sequence


def swept(words: Sequence[str]) -> str:
    """Help text of a swept flag."""
    return f"swept: {','.join(words)}"


def words(allowed: Sequence[str]) -> Callable[[str], tuple[str, ...]]:
    """A parser of comma lists of allowed words; repeated ones count once."""

    def parse(text: str) -> tuple[str, ...]:
        words = tuple(dict.fromkeys(text.split(",")))
        for word in words:
            if word not in allowed:
                raise argparse.ArgumentTypeError(f"unknown {word!r}; choose among {','.join(allowed)}")
        return words

    return parse


def sizes(text: str) -> tuple[int, ...]:
    """Parse a comma list of whole numbers from 1."""
    return tuple(dict.fromkeys(positive(word) for word in text.split(",")))


def shape(text: str) -> tuple[int, ...]:
    """Parse C,H,W."""
    sizes = tuple(positive(word) for word in text.split(","))
    if len(sizes) != 3 or sizes[0] not in (1, 3):
        raise argparse.ArgumentTypeError(
            f"expected C,H,W with 1 or 3 channels, as in 3,224,224, got {text!r}"
        )
    return sizes


def positive(text: str) -> int:
    """Parse a whole number from 1."""
    return _whole(text, least=1)


def natural(text: str) -> int:
    """Parse a whole number from 0."""
    return _whole(text, least=0)


def _whole(text: str, *, least: int) -> int:
    try:
        number = int(text)
    except ValueError:
        number = least - 1
    if number < least:
        raise argparse.ArgumentTypeError(f"expected a whole number from {least}, got {text!r}")
    return number


def seconds(text: str) -> float:
    """Parse a finite number of seconds, at least 0."""
    try:
        seconds = float(text)
    except ValueError:
        seconds = -1
    if not 0 <= seconds < float("inf"):
        raise argparse.ArgumentTypeError(f"expected a number of seconds, got {text!r}")
    return seconds


def price(text: str) -> float:
    """Parse a finite price above 0, in any currency."""
    try:
        number = float(text)
    except ValueError:
        number = -1
    if not 0 < number < float("inf"):
        raise argparse.ArgumentTypeError(f"expected a price above 0, got {text!r}")
    return number


def fraction(text: str) -> float:
    """Parse a number above 0 and at most 1."""
    try:
        number = float(text)
    except ValueError:
        number = -1
    if not 0 < number <= 1:
        raise argparse.ArgumentTypeError(f"expected a number above 0 and at most 1, got {text!r}")
    return number


def percent(text: str) -> float:
    """Parse a percentage from 0 to 100."""
    try:
        number = float(text.removesuffix("%"))
    except ValueError:
        number = -1
    if not 0 <= number <= 100:
        raise argparse.ArgumentTypeError(f"expected a percentage from 0 to 100, got {text!r}")
    return number
