"""What a check found, for people, for programs, and as a list without the bad lines."""

from collections.abc import Iterator
from dataclasses import asdict
from pathlib import Path

from common.dataset.checking import ListCheck
from common.dataset.list_text import list_lines
from common.files import writing_text
from common.json_rows import writing_rows
from common.terminal import printable

SHOWN = 20  # problems that are printed; all of them are in the JSON


def report(check: ListCheck, *, json_file: Path | None, clean: Path | None) -> list[str]:
    """Go through a check, and write what was asked for.

    Returns lines for a person: one if every image is missing, else the first bad lines and a count.
    """
    shown: list[str] = []
    with writing_rows(json_file) as add_row:
        for problem in check.problems():
            add_row(asdict(problem))
            if len(shown) < SHOWN:
                shown.append(f"{check.path}:{problem.line}: {problem.path}: {problem.problem}")
    left_alone = []
    if clean and check.bad < check.lines:
        _write_clean(check, clean)
    elif clean:  # an empty list would be what is left of the old one
        left_alone = [f"{clean}: is not written, for no line is good"]
    return [printable(line) for line in (*left_alone, *_summary(check, shown))]


def _summary(check: ListCheck, shown: list[str]) -> Iterator[str]:
    if check.missing and check.missing == check.lines:
        missing = f"all {check.bad} images are missing under {check.root}"
        yield f"{check.path}: {missing}; name their folder with --root"
        return
    yield from shown
    if check.bad > SHOWN:
        yield f"... and {check.bad - SHOWN} more; --json FILE holds all of them"
    if check.remedy:
        yield f"{check.path}: is no list of '<path><TAB><label>'{check.remedy}"
    yield f"{check.path}: {check.lines} lines, {check.bad} of them bad"


def _write_clean(check: ListCheck, target: Path) -> None:
    """Write the list again without its bad lines, the others as they stand, atomically."""
    with writing_text(target) as file:
        file.writelines(f"{text}\n" for line, text in list_lines(check.path) if not check.is_bad[line])
