"""Proof of a twin: source and twin through the parity check, and the line of the user's file that fails."""

from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from backends.porting.places import line_in_source, line_of_layer
from common.cli import UnavailableError, UsageError
from side_by_side import CannotRunError, RequestError, check_parity


@dataclass(frozen=True, kw_only=True)
class Proof:
    """The verdict, what the check printed, and where in the user's source the first fault lies."""

    verdict: str
    text: str
    place: str | None = None


def prove(sources: Mapping[str, str], *, folder: Path, files: Mapping[Path, Path], **flags: Any) -> Proof:
    """Compare ``sources`` ("MODULE:CALLABLE" by framework, found in ``folder``), with the check's own flags.

    ``files`` has the source file of every twin's file. Raises UsageError for what cannot be compared so, and
    UnavailableError where there is no verdict.
    """
    try:
        report = check_parity(torch=sources["torch"], paddle=sources["paddle"], folder=folder, **flags)
    except RequestError as error:
        raise UsageError(f"the twin could not be compared: {error}") from None
    except CannotRunError as error:
        raise UnavailableError(f"the twin could not be compared: {error}") from None
    first = report.content["first_divergence"]
    place = None if first is None else _place(first, files)
    return Proof(verdict=report.verdict, text=report.text, place=place)


def _place(first: Mapping[str, Any], files: Mapping[Path, Path]) -> str | None:
    """FILE:LINE and its text in the user's source: of the exception, else of the layer to blame."""
    twin, _, rest = (first.get("note") or "").partition(":")
    number = rest.partition(":")[0]
    for file, source in files.items():
        if number.isdigit() and Path(twin).resolve() == file.resolve():
            line = line_in_source(_text(source), _text(file), int(number))
            return _shown(source, line)
        if number.isdigit() and Path(twin).resolve() == source.resolve():
            return _shown(source, int(number))
    # Of "between A and B" the first: what is computed behind it is wrong.
    layer = (first.get("layer") or "").partition(" and ")[0].removeprefix("between ")
    for source in files.values():
        line = line_of_layer(_text(source), layer) if layer else None
        if line is not None:
            return _shown(source, line)
    return None


def _shown(source: Path, line: int | None) -> str | None:
    if line is None:
        return None
    return f"{source}:{line}: {_text(source).splitlines()[line - 1].strip()}"


def _text(file: Path) -> str:
    return file.read_text(encoding="utf-8")
