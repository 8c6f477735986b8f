"""Lists in a folder: ours, and PaddleClas's and PaddleX's train_list.txt, val_list.txt, test_list.txt."""

from collections.abc import Mapping, Sequence, Set
from pathlib import Path

from common.cli import UsageError
from common.dataset.index import Index
from common.dataset.left_out import logger, named
from common.dataset.list_conversion import convert_lists
from common.dataset.list_formats import path_first
from common.dataset.lists import clean_path, cut, parse_line, read_list
from common.dataset.overlap import shares_images
from common.dataset.split_names import CLASSES, OWN_FILES, WHOLE, is_hidden, split_named

PADDLE_ENDING = "_list"  # PaddleClas and PaddleX write such lists with a space between path and label
TABLES = frozenset({".csv", ".tsv"})


def split_of(path: Path) -> str | None:
    """The split that a list is named after: train.txt, val_list.txt, all.txt; else None."""
    stem = path.stem.lower().removesuffix(PADDLE_ENDING)
    return WHOLE if stem == WHOLE else split_named(stem)


def find_lists(folder: Path, *, anew: bool = False, tables: bool = False) -> dict[str, Path]:
    """The list of each split in a folder.

    Where both kinds are there, ours hold, since they were written from the others. Who makes lists ``anew``
    gets nothing of ours: ``classes.json`` beside them says that they were written here. With ``tables``,
    train.csv and its like are lists, too.
    """
    suffixes = {".txt", *(TABLES if tables else ())}
    found = [path for path in _files(folder, suffixes) if split_of(path)]
    plain = [path for path in found if not is_paddle(path)]
    paddle = [path for path in found if is_paddle(path)]
    written_here = (folder / CLASSES).is_file()
    if anew and written_here:
        return _by_split(folder, paddle)
    if plain and paddle:
        first, rest = (paddle, plain) if anew else (plain, paddle)
        logger.warning("%s: reads %s, not %s", folder, _names(first), _names(rest))
        return _by_split(folder, first)
    return _by_split(folder, plain or paddle)


def list_candidates(folder: Path) -> list[Path]:
    """Tables and texts that are no lists of ours, and may hold labels under any name.

    They lie in a folder or in one of its own, as meta/ or annotations/.
    """
    below = sorted(path for path in folder.iterdir() if path.is_dir() and not is_hidden(path.name))
    found = [path for place in (folder, *below) for path in _files(place, {".txt", *TABLES})]
    return [path for path in found if path.name not in OWN_FILES]


def _files(folder: Path, suffixes: Set[str]) -> list[Path]:
    """A folder's files of some suffixes by name: among a million images, only these are sorted."""
    found = (path for path in folder.iterdir() if path.suffix.lower() in suffixes)
    return sorted(path for path in found if path.is_file())


def is_paddle(path: Path) -> bool:
    """True if a list's name is one of those that PaddleClas and PaddleX write."""
    return path.stem.lower().endswith(PADDLE_ENDING)


def listed_path(path: Path, text: str) -> str:
    """The image that a line of the list ``path`` names. Raises UsageError for a bad line."""
    if not is_paddle(path):
        return parse_line(text)[0]
    image, label = path_first(text)
    if not label:
        raise UsageError(f"expected '<path> <label>', got {cut(text)!r}")
    return clean_path(image, text)


def read_lists(
    lists: Mapping[str, Path],
    *,
    root: Path | None = None,
    form: str | None = None,
    classes: Sequence[str] = (),
) -> dict[str, Index]:
    """Read the lists of several splits; ``form`` is of those that are not ours."""
    if form is None and any(is_paddle(path) for path in lists.values()):
        form = "path-label"
    if form is not None:
        return convert_lists(lists, form, root=root, classes=classes)
    return {split: read_list(path, root=root) for split, path in lists.items()}


def require_no_older(splits: Mapping[str, Index], folder: Path) -> None:
    """Raise UsageError if an older list in a folder would be read with those that are written there.

    It would be, if it is of a split that is not written now: its images may be in another one by now. So
    would one of a written split under another name.
    """
    for name, path in find_lists(folder).items():
        if name in splits and not is_paddle(path) and path.name != f"{name}.txt":
            raise UsageError(f"{path}: is a list of {name}, too; name another --output, or rename it first")
        if name in splits or is_paddle(path) or (name == WHOLE and len(splits) > 1):
            continue
        older = read_list(path)
        shared = [own for own, index in splits.items() if shares_images(index, older)]
        if shared:
            raise UsageError(
                f"{path}: an older list, with images that are now in {' and '.join(shared)}; delete it, or "
                f"name another --output"
            )
        logger.warning("%s: an older list of other images, which stays", path)


def _by_split(folder: Path, paths: Sequence[Path]) -> dict[str, Path]:
    lists: dict[str, Path] = {}
    for path in paths:
        split = split_of(path)
        assert split is not None
        if split in lists:
            both = f"{lists[split].name} and {path.name}"
            raise UsageError(f"{folder}: {both} are both lists of {split}; remove or rename one")
        lists[split] = path
    if len(lists) > 1:
        lists.pop(WHOLE, None)  # it holds the others' images once more
    return {split: lists[split] for split in ("train", "valid", "test", WHOLE) if split in lists}


def _names(paths: Sequence[Path]) -> str:
    return named([path.name for path in paths])
