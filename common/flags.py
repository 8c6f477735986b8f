"""Flag values that several commands share: what is not as it should be is a one-line error."""

import argparse
from collections.abc import Callable


def whole(*, least: int) -> Callable[[str], int]:
    """A parser of whole numbers from ``least``."""

    def parse(text: str) -> int:
        try:
            number = int(text)
        except ValueError:
            number = least - 1
        if number < least:
            raise argparse.ArgumentTypeError(f"expected a whole number from {least}, got {text!r}")
        return number

    return parse


def real(
    *, least: float = 0.0, below: float = float("inf"), positive: bool = False
) -> Callable[[str], float]:
    """A parser of finite numbers from ``least`` (or above 0) to below ``below``."""

    def parse(text: str) -> float:
        try:
            number = float(text)
        except ValueError:
            number = float("nan")
        if not least <= number < below or (positive and number == 0):
            bounds = "above 0" if positive else f"from {least:g}"
            limit = "" if below == float("inf") else f", below {below:g}"
            raise argparse.ArgumentTypeError(f"expected a number {bounds}{limit}, got {text!r}")
        return number

    return parse


def numbers(text: str) -> tuple[float, ...]:
    """Parse a comma list of numbers."""
    try:
        return tuple(float(word) for word in text.split(","))
    except ValueError:
        raise argparse.ArgumentTypeError(f"expected numbers with commas, got {text!r}") from None


def side_or_sides(text: str) -> int | tuple[int, int]:
    """Parse SIDE (of the shorter side) or HEIGHT,WIDTH."""
    sides = tuple(whole(least=1)(word) for word in text.split(","))
    if len(sides) > 2:
        raise argparse.ArgumentTypeError(f"expected SIDE or HEIGHT,WIDTH, got {text!r}")
    return sides[0] if len(sides) == 1 else (sides[0], sides[1])
