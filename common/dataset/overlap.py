"""Images that are named twice: in one index, or in two splits of a data set."""

import hashlib
import math
import os
import stat
from collections.abc import Mapping
from pathlib import Path

import numpy as np

from common.cli import UsageError
from common.dataset.index import Index
from common.dataset.left_out import logger
from common.terminal import progress

PIECE_BYTES = 1 << 20


def full_path(index: Index, position: int) -> str:
    """Where an image lies, written in one way."""
    path = index.paths[position]
    path = path if path.startswith("/") else f"{index.root}/{path}"
    return os.path.normpath(path) if "./" in path or "//" in path else path


def _keys(index: Index) -> np.ndarray:
    """A hash of each image's place: 8 bytes each, where a set of a million paths takes 200 MB."""
    return np.fromiter((hash(full_path(index, place)) for place in range(len(index))), np.int64, len(index))


def require_disjoint(splits: Mapping[str, Index]) -> None:
    """Raise UsageError if an image that is trained on is in another split, too; warn of valid and test."""
    keys = {name: _keys(index) for name, index in splits.items()}
    names = list(splits)
    for place, first in enumerate(names):
        for second in names[place + 1 :]:
            shared = np.intersect1d(keys[first], keys[second])
            if shared.size:
                _report(
                    splits, (first, second), {name: np.isin(keys[name], shared) for name in (first, second)}
                )


def _report(splits: Mapping[str, Index], pair: tuple[str, str], suspects: Mapping[str, np.ndarray]) -> None:
    one, other = splits[pair[0]], splits[pair[1]]
    places = {full_path(one, place): place for place in np.flatnonzero(suspects[pair[0]]).tolist()}
    shared = [
        place for place in np.flatnonzero(suspects[pair[1]]).tolist() if full_path(other, place) in places
    ]
    if not shared:
        return  # two names with one hash
    first = shared[0]
    where = one.origin(places[full_path(other, first)])
    what = (
        f"{other.origin(first)}: {other.paths[first]} is also in {where}, "
        f"as are {len(shared)} images of {pair[1]} in all"
    )
    if "train" not in pair:
        logger.warning("%s; what is chosen by the one is not judged fairly by the other", what)
        return
    raise UsageError(f"{what}; remove them: python -m common.dataset check {other.source} --write-clean FILE")


def without_repeats(index: Index) -> Index:
    """The index with each image once, and a warning of how many were named again.

    Raises UsageError where one is named with two labels.
    """
    keys = _keys(index)
    if len(np.unique(keys)) == len(index):
        return index
    first: dict[str, int] = {}
    for place in range(len(index)):
        before = first.setdefault(full_path(index, place), place)
        if index.labels[before] != index.labels[place]:
            raise UsageError(
                f"{index.origin(place)}: {index.paths[place]} has label {index.labels[place]}, and in "
                f"{index.origin(before)} label {index.labels[before]}; remove one"
            )
    if len(first) == len(index):
        return index
    logger.warning("%s: %d images are named again; each counts once", index.source, len(index) - len(first))
    return index.subset(first.values())


def without_copies(index: Index, *, most_bytes: float = math.inf) -> Index:
    """The index with each image once, whatever its names: images of equal bytes are copies.

    Only files of equal size are read. A warning says how many copies were left out, with how many labels that
    differ. Where more than ``most_bytes`` would have to be read, another one says that nobody looked.
    """
    sizes = np.fromiter(
        (file_size(full_path(index, place)) for place in range(len(index))), np.int64, len(index)
    )
    known, counts = np.unique(sizes, return_counts=True)
    alike = np.flatnonzero(np.isin(sizes, known[(counts > 1) & (known > 0)]))
    if (size := int(sizes[alike].sum())) > most_bytes:
        logger.warning(
            "%s: %d images may be copies of each other; to find out would read %.1f GB: common.dataset split "
            "does, and leaves copies out",
            *(index.source, len(alike), size / 1e9),
        )
        return index
    first: dict[bytes, int] = {}
    copies: dict[int, int] = {}
    with progress(total=len(alike), unit="images", what="looking for copies") as bar:
        for place in alike.tolist():
            digest = content_digest(index.locate(place))
            before = place if digest is None else first.setdefault(digest, place)
            if before != place:
                copies[place] = before
            bar.update()
    if not copies:
        return index
    place, before = next(iter(copies.items()))
    differ = sum(int(index.labels[copy] != index.labels[own]) for copy, own in copies.items())
    logger.warning(
        "%s: %d images are copies of others and are left out, %d of them with another label (%s is %s)",
        *(index.source, len(copies), differ, index.paths[place], index.paths[before]),
    )
    return index.subset(place for place in range(len(index)) if place not in copies)


def content_digest(path: Path) -> bytes | None:
    """A hash of a file's content, 16 bytes; None for what is no file of its own, or cannot be read."""
    digest = hashlib.blake2b(digest_size=16)
    try:
        with path.open("rb") as file:
            while piece := file.read(PIECE_BYTES):
                digest.update(piece)
    except OSError:
        return None
    return digest.digest()


def file_size(path: str | Path) -> int:
    """Bytes of a regular file; 0 for what is none, such as an image in a container."""
    try:
        facts = os.stat(path)  # noqa: PTH116 (there are millions of them, and a Path takes longer)
    except (OSError, ValueError):
        return 0
    return facts.st_size if stat.S_ISREG(facts.st_mode) else 0


def shares_images(one: Index, other: Index) -> bool:
    """True if both name an image."""
    return bool(np.isin(_keys(one), _keys(other)).any())
