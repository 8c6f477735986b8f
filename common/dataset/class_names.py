"""Names of classes beside a list: classes.json as ours, labels.txt and its kin as other tools write them."""

import json
import re
from collections.abc import Sequence
from pathlib import Path

from common.cli import UsageError
from common.dataset.left_out import logger
from common.dataset.split_names import CLASSES
from common.files import write_text

# PaddleX writes labels.txt, PaddleClas label_list.txt with any prefix; others classes.txt.
NAME_FILES = re.compile(r"(labels?|classes|class_names|classnames|(.*_)?label_list)\.txt")
NUMBERED = re.compile(r"\s*(\d+)[\s,:]+(\S.*)")
LARGEST_BYTES = 1 << 24


def read_classes(folder: Path, *, highest: int = -1) -> tuple[str, ...] | None:
    """The class names in a folder's ``classes.json``, else in its ``labels.txt`` or the like, or None.

    Raises UsageError if they do not reach the label ``highest``.
    """
    path = folder / CLASSES
    names = _from_json(path)
    if names is None:
        path, names = _from_text(folder)
    if names is not None and highest >= len(names):
        raise UsageError(f"{path}: {len(names)} class names for labels up to {highest}; mend or delete it")
    return names


def write_classes(folder: Path, names: Sequence[str]) -> None:
    """Write ``classes.json``, or remove an old one where there are no names."""
    if not names:
        (folder / CLASSES).unlink(missing_ok=True)
        return
    text = json.dumps(dict(enumerate(names)), ensure_ascii=False, indent=2)
    write_text(folder / CLASSES, text + "\n")


def _from_json(path: Path) -> tuple[str, ...] | None:
    try:
        if path.stat().st_size > LARGEST_BYTES:
            raise ValueError
        named = json.loads(path.read_text(encoding="utf-8-sig"))
        return tuple(str(named[str(label)]) for label in range(len(named)))
    except FileNotFoundError:
        return None
    except (OSError, ValueError, KeyError, TypeError, RecursionError):
        raise UsageError(f'{path}: expected {{"0": name, "1": name, ...}}; mend or delete it') from None


def _from_text(folder: Path) -> tuple[Path, tuple[str, ...] | None]:
    """(file, names): a name a line, or ``number name`` with the numbers from 0."""
    files = sorted(file for file in folder.iterdir() if NAME_FILES.fullmatch(file.name.lower()))
    for file in files:
        names = _lines(file)
        if names and len(set(names)) == len(names):
            if len(files) > 1:
                others = ", ".join(other.name for other in files if other != file)
                logger.warning("%s: class names are read from it, not from %s", file, others)
            return file, names
        logger.warning("%s: is not read, since it names no class or one twice", file)
    return folder, None


def _lines(file: Path) -> tuple[str, ...]:
    try:
        if not file.is_file() or file.stat().st_size > LARGEST_BYTES:
            return ()
        lines = file.read_text(encoding="utf-8-sig").splitlines()
    except (OSError, UnicodeDecodeError) as error:
        raise UsageError(f"{file}: cannot be read as class names in UTF-8 ({error})") from None
    lines = [line.strip() for line in lines if line.strip()]
    numbered = [NUMBERED.fullmatch(line) for line in lines]
    if all(match and int(match[1]) == number for number, match in enumerate(numbered)):
        return tuple(match[2] for match in numbered if match)
    return tuple(lines)
