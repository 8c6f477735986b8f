"""How large what is installed is: a package with all that it needs, by their own lists of files."""

from collections.abc import Sequence
from contextlib import suppress
from importlib.metadata import Distribution, PackageNotFoundError, distribution
from importlib.util import find_spec

FRAMEWORKS = {"torch": ("torch",), "paddle": ("paddlepaddle-gpu", "paddlepaddle")}  # as PyPI calls them


def installed_bytes(names: Sequence[str]) -> int | None:
    """Bytes of the first of these distributions that is here, and of every distribution that it requires.

    Sizes are those that each wheel's RECORD states (https://packaging.python.org/en/latest/specifications/
    recording-installed-packages/), without what Python compiles. Returns None where none of the names is
    here, or its files are not listed with sizes, as other installers than pip leave them.
    """
    first = next((found for name in names if (found := _found(name)) is not None), None)
    if first is None or find_spec("packaging") is None:  # another interpreter may lack it
        return None
    seen, open_yet, total = {_key(first)}, [first], 0
    while open_yet:
        current = open_yet.pop()
        size = sum(file.size or 0 for file in current.files or ())
        if not size and current is first:
            return None
        total += size
        for needed in _required(current):
            if _key(needed) not in seen:
                seen.add(_key(needed))
                open_yet.append(needed)
    return total


def _found(name: str) -> Distribution | None:
    try:
        return distribution(name)
    except PackageNotFoundError:
        return None


def _key(one: Distribution) -> str:
    from packaging.utils import canonicalize_name

    return canonicalize_name(one.name)


def _required(one: Distribution) -> list[Distribution]:
    """Of what it requires on this machine without extras, all that is here."""
    from packaging.requirements import InvalidRequirement, Requirement

    here = []
    for line in one.requires or ():
        with suppress(InvalidRequirement):  # of wheels older than the rules
            wanted = Requirement(line)
            if wanted.marker is None or wanted.marker.evaluate({"extra": ""}):
                here.append(_found(wanted.name))
    return [found for found in here if found is not None]
