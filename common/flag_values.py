"""Parsers of flag values: a wrong value becomes a one-line error of the command."""

import argparse
import math
from collections.abc import Callable, Sequence
from typing import TypeVar

from common.endings import near

LARGEST = 2**32 - 1  # of whole numbers: the frameworks' and NumPy's seeds end there
Number = TypeVar("Number", int, float)
Value = TypeVar("Value")


def number(
    kind: type[Number],
    *,
    least: float = -math.inf,
    above: float = -math.inf,
    most: float = math.inf,
    below: float = math.inf,
    what: str = "",
) -> Callable[[str], Number]:
    """A parser of finite numbers within bounds, of which ``above`` and ``below`` are excluded.

    ``what`` is the error's word for one; "a whole number" or "a number" where it is left out.
    """
    noun = what or ("a whole number" if kind is int else "a number")
    expected = f"expected {noun}{_bounds(least=least, above=above, most=most, below=below)}"

    def parse(text: str) -> Number:
        try:
            if "_" in text or not text.isascii():  # Python would take them for numbers, and people for slips
                raise ValueError
            value = kind(text)
        except ValueError:
            raise argparse.ArgumentTypeError(f"{expected}, got {text!r}") from None
        if kind is int and abs(value) > LARGEST:
            raise argparse.ArgumentTypeError(f"{expected}, {LARGEST:,} at most, got {text[:40]!r}")
        if not (math.isfinite(value) and least <= value <= most and above < value < below):
            raise argparse.ArgumentTypeError(f"{expected}, got {text!r}")
        return value

    return parse


def _bounds(*, least: float, above: float, most: float, below: float) -> str:
    """Bounds as an error names them: " from 1", " above 0 and at most 1"."""
    ends = ((" from", least), (" above", above), (" and at most", most), (" and below", below))
    return "".join(f"{word} {end:,.10g}" for word, end in ends if math.isfinite(end))


positive = number(int, least=1)
natural = number(int, least=0)
seconds = number(float, least=0, what="a number of seconds")
price = number(float, above=0, what="a price")
fraction = number(float, above=0, most=1)


UNITS = {"KiB": 1 << 10, "MiB": 1 << 20, "GiB": 1 << 30, "kB": 10**3, "MB": 10**6, "GB": 10**9}


def memory_size(text: str) -> int:
    """Parse a size of memory with its unit; the bytes."""
    unit = next((unit for unit in UNITS if text.endswith(unit)), None)
    if unit is None:
        raise argparse.ArgumentTypeError(f"expected a size with its unit, as in 2GiB or 512MiB, got {text!r}")
    return int(number(float, above=0, what="a size")(text.removesuffix(unit)) * UNITS[unit])


def percent(text: str) -> float:
    """Parse a percentage from 0 to 100, with or without its sign."""
    return number(float, least=0, most=100, what="a percentage")(text.removesuffix("%"))


def numbers(text: str, *, above: float = -math.inf) -> tuple[float, ...]:
    """Parse a comma list of finite numbers."""
    parse = number(float, above=above, what="finite numbers with commas")
    return tuple(parse(word) for word in text.split(","))


def divisors(text: str) -> tuple[float, ...]:
    """Parse a comma list of finite numbers above 0."""
    return numbers(text, above=0)


def sizes(text: str) -> tuple[int, ...]:
    """Parse a comma list of whole numbers from 1; repeated ones count once."""
    return tuple(dict.fromkeys(positive(word) for word in text.split(",")))


def naturals(text: str) -> tuple[int, ...]:
    """Parse a comma list of whole numbers from 0; repeated ones count once."""
    return tuple(dict.fromkeys(natural(word) for word in text.split(",")))


def shape(text: str) -> tuple[int, ...]:
    """Parse C,H,W."""
    sides = tuple(positive(word) for word in text.split(","))
    if len(sides) != 3 or sides[0] not in (1, 3):
        raise argparse.ArgumentTypeError(
            f"expected C,H,W with 1 or 3 channels, as in 3,224,224, got {text!r}"
        )
    return sides


def side_or_sides(text: str) -> int | tuple[int, int]:
    """Parse SIDE (of the shorter side) or HEIGHT,WIDTH."""
    sides = tuple(positive(word) for word in text.split(","))
    if len(sides) > 2:
        raise argparse.ArgumentTypeError(f"expected SIDE or HEIGHT,WIDTH, got {text!r}")
    return sides[0] if len(sides) == 1 else (sides[0], sides[1])


def words(allowed: Sequence[str]) -> Callable[[str], tuple[str, ...]]:
    """A parser of comma lists of allowed words; repeated ones count once."""

    def parse(text: str) -> tuple[str, ...]:
        found = tuple(dict.fromkeys(text.split(",")))
        for word in found:
            if word not in allowed:
                raise argparse.ArgumentTypeError(
                    f"unknown {word!r}; choose among {','.join(allowed)}{near(word, allowed)}"
                )
        return found

    return parse


def only_one(parse: Callable[[str], tuple[Value, ...]]) -> Callable[[str], tuple[Value, ...]]:
    """A parser of comma lists that takes one value."""

    def parse_one(text: str) -> tuple[Value, ...]:
        values = parse(text)
        if len(values) != 1:
            raise argparse.ArgumentTypeError(f"expected one value, got {text!r}")
        return values

    return parse_one


def swept(words: Sequence[str]) -> str:
    """Help text of a flag whose comma list runs once per value."""
    return f"one or a comma list of {any_of(words)}"


def any_of(words: Sequence[str]) -> str:
    """The words of a flag, as its help names them."""
    return ", ".join(words)
