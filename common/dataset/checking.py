"""Check a list: decode every image and return each bad line with its reason."""

import hashlib
from collections.abc import Iterable, Mapping
from concurrent.futures import ThreadPoolExecutor
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path

from common.cli import UsageError
from common.dataset.containers import decode
from common.dataset.decoding import DecodeError
from common.dataset.image_folder import SPLITS
from common.dataset.lists import list_lines, parse_line
from common.files import write_text
from common.runtime.devices import available_cores

MISSING = "there is no such file"
SHOWN = 20  # problems that are printed; all of them are in the JSON


@dataclass(frozen=True, kw_only=True)
class Problem:
    """One bad line of a list."""

    path: str
    line: int
    problem: str


@dataclass(frozen=True, kw_only=True)
class Checked:
    """A list's lines that name an image and a label, and what is wrong with any line."""

    lines: int
    problems: list[Problem]
    missing: int


def check_list(path: Path, *, root: Path | None = None) -> Checked:
    """Decode every image of a list, on all cores.

    Bad are lines that cannot be parsed, images that are missing or cannot be decoded, images listed
    twice, and images that another of the train, valid and test lists beside this one also holds, be it
    under another name.
    """
    folder = path.parent if root is None else root
    lines = list(list_lines(path))
    elsewhere = _listed_beside(path)
    entries, problems = _sorted_out(lines, elsewhere=elsewhere)
    with ThreadPoolExecutor(available_cores()) as pool:
        digests = pool.map(lambda image: _digest(folder / image), elsewhere)
        known: dict[str, str] = {}
        for digest, where in zip(digests, elsewhere.values(), strict=True):
            known.setdefault(digest or "", where)
        reasons = list(pool.map(lambda entry: _reason(folder / entry[1], known), entries))
    for (line, image), reason in zip(entries, reasons, strict=True):
        if reason:
            problems.append(Problem(path=image, line=line, problem=reason))
    problems.sort(key=lambda problem: problem.line)
    return Checked(lines=len(lines), problems=problems, missing=reasons.count(MISSING))


def _sorted_out(
    lines: Iterable[tuple[int, str]], *, elsewhere: Mapping[str, str]
) -> tuple[list[tuple[int, str]], list[Problem]]:
    """(line, image) of what is worth decoding, and the lines that are bad without looking at an image."""
    entries: list[tuple[int, str]] = []
    problems: list[Problem] = []
    first: dict[str, int] = {}
    for line, text in lines:
        try:
            image, _ = parse_line(text)
        except UsageError as error:
            problems.append(Problem(path=text, line=line, problem=str(error)))
            continue
        if image in first:
            again = f"listed again, first in line {first[image]}"
            problems.append(Problem(path=image, line=line, problem=again))
        elif image in elsewhere:
            problems.append(Problem(path=image, line=line, problem=f"also in {elsewhere[image]}"))
        else:
            entries.append((line, image))
        first.setdefault(image, line)
    return entries, problems


def write_clean(path: Path, target: Path, problems: Iterable[Problem]) -> None:
    """Write the list again without its bad lines, the others as they stand, atomically."""
    bad = {problem.line for problem in problems}
    write_text(target, "".join(f"{text}\n" for line, text in list_lines(path) if line not in bad))


def summary(path: Path, checked: Checked, *, root: Path) -> list[str]:
    """Summarise for a person: one line if every image is missing, else the first bad lines and a count."""
    bad = len(checked.problems)
    if checked.missing and checked.missing == checked.lines:
        return [f"{path}: all {bad} images are missing under {root}; name their folder with --root"]
    shown = [f"{path}:{each.line}: {each.path}: {each.problem}" for each in checked.problems[:SHOWN]]
    more = [f"... and {bad - SHOWN} more; --json FILE holds all of them"] if bad > SHOWN else []
    return [*shown, *more, f"{path}: {checked.lines} lines, {bad} of them bad"]


def _listed_beside(path: Path) -> dict[str, str]:
    """Images of the other train, valid and test lists in the same folder, and where they are listed."""
    if path.stem not in SPLITS:
        return {}
    found: dict[str, str] = {}
    for other in (path.with_name(f"{name}{path.suffix}") for name in SPLITS):
        if other != path and other.is_file():
            for line, text in list_lines(other):
                with suppress(UsageError):  # a bad line of another list is for its own check
                    image, _ = parse_line(text)
                    found.setdefault(image, f"{other.name}:{line}")
    return found


def _reason(image: Path, known: Mapping[str, str]) -> str | None:
    try:
        decode(image, channels=3)
    except DecodeError as error:
        return str(error)
    digest = _digest(image) if known else None
    where = known.get(digest) if digest else None
    return f"the same bytes as an image in {where}" if where else None


def _digest(image: Path) -> str | None:
    """Hash a file's content; None for what is no file of its own."""
    return hashlib.sha256(image.read_bytes()).hexdigest() if image.is_file() else None
