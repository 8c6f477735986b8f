"""How large what is installed is: a package with all that it needs, by their own lists of files."""

from collections.abc import Sequence
from importlib.metadata import Distribution, PackageNotFoundError, distribution

FRAMEWORKS = {"torch": ("torch",), "paddle": ("paddlepaddle-gpu", "paddlepaddle")}  # as PyPI calls them


def installed_bytes(names: Sequence[str]) -> int | None:
    """Bytes of the first of these distributions that is here, and of every distribution that it requires.

    Sizes are those that each wheel's RECORD states (https://packaging.python.org/en/latest/specifications/
    recording-installed-packages/), without what Python compiles. Returns None where none of the names is
    here, or its files are not listed with sizes, as other installers than pip leave them.
    """
    first = next((found for name in names if (found := _found(name)) is not None), None)
    if first is None:
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
    from packaging.requirements import Requirement

    wanted = [Requirement(line) for line in one.requires or ()]
    here = [each.name for each in wanted if each.marker is None or each.marker.evaluate({"extra": ""})]
    return [found for name in here if (found := _found(name)) is not None]
