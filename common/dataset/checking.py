"""Check a list: decode every image and give each bad line with its reason."""

from array import array
from collections import deque
from collections.abc import Iterator
from concurrent.futures import Future, ThreadPoolExecutor
from contextlib import suppress
from dataclasses import dataclass
from itertools import islice
from pathlib import Path
from typing import NamedTuple

import numpy as np

from common.cli import UsageError
from common.dataset.containers import decode
from common.dataset.decoding import DecodeError
from common.dataset.list_folder import is_paddle, listed_path, split_of
from common.dataset.list_formats import remedy
from common.dataset.list_text import list_lines
from common.dataset.overlap import content_digest, file_size
from common.dataset.split_names import WHOLE
from common.runtime.devices import available_cores
from common.terminal import progress

MISSING = "there is no such file"
TOGETHER = 32  # lines that a thread takes at once: handing over each of a million costs a minute
AHEAD = 4  # such portions per thread that wait, or are done and not yet asked for


@dataclass(frozen=True, kw_only=True)
class Problem:
    """One bad line of a list."""

    path: str
    line: int
    problem: str


class _Line(NamedTuple):
    """A line of a list; ``problem`` is what is wrong with it, "" if nothing is as far as is known."""

    number: int
    image: str
    problem: str = ""
    digest: bytes | None = None  # of the file's content, where another file is as long


class ListCheck:
    """A list, checked line by line without keeping images: a million lines take about 250 MB.

    Bad are lines that cannot be parsed, images that are missing or cannot be decoded, images listed twice, be
    it under another name, and images that another of the train, valid and test lists beside it also holds.
    ``lines``, ``bad`` and ``missing`` count what ``problems`` has gone through so far.
    """

    def __init__(self, path: Path, *, root: Path | None = None) -> None:
        self.path, self.root = path, path.parent if root is None else root
        self.lines = self.bad = self.missing = 0
        self.is_bad = bytearray()  # by line number
        self.remedy = ""  # how to convert the list, where its first bad line shows its format

    def problems(self) -> Iterator[Problem]:
        """Each bad line, from the first to the last."""
        own = _survey(self.path, self.root)
        others = _OtherLists(self.path, self.root, own)
        first: dict[bytes, int] = {}
        with progress(total=len(own.places), unit="images", what=f"check {self.path.name}") as bar:
            for line in self._looked_at(own, others):
                problem = line.problem
                if not problem and line.digest:
                    before = first.setdefault(line.digest, line.number)
                    if line.digest in others.contents:
                        problem = f"the same bytes as an image in {others.contents[line.digest]}"
                    elif before != line.number:
                        problem = f"the same bytes as the image in line {before}"
                self._count(line.number, problem)
                bar.update()
                if problem:
                    yield Problem(path=line.image, line=line.number, problem=problem)

    def _count(self, number: int, problem: str) -> None:
        self.lines += 1
        self.bad += bool(problem)
        self.missing += problem == MISSING
        self.is_bad.extend(bytes(number + 1 - len(self.is_bad)))
        self.is_bad[number] = bool(problem)

    def _looked_at(self, own: "_Survey", others: "_OtherLists") -> Iterator[_Line]:
        """Each line in its order, its image decoded on one of the cores."""
        sizes = own.repeated_sizes() | others.sizes
        lines = self._parsed(own, others)
        cores = available_cores()
        waiting: deque[Future[list[_Line]]] = deque()
        self._is_over = False
        pool = ThreadPoolExecutor(cores, thread_name_prefix="check")
        try:
            while True:
                while len(waiting) < cores * AHEAD and (portion := list(islice(lines, TOGETHER))):
                    waiting.append(pool.submit(self._decoded, portion, sizes))
                if not waiting:
                    return
                yield from waiting.popleft().result()
        finally:
            self._is_over = True  # what a thread has begun is not gone through to its end
            pool.shutdown(wait=True, cancel_futures=True)

    def _parsed(self, own: "_Survey", others: "_OtherLists") -> Iterator[_Line]:
        repeated = own.repeated_places()
        first: dict[str, int] = {}
        for number, text in list_lines(self.path):
            try:
                image = listed_path(self.path, text)
            except UsageError as error:
                self.remedy = self.remedy or remedy(text, path=self.path)
                yield _Line(number, text, str(error))
                continue
            # Only of paths that come again as their hash says: a million strings take 150 MB.
            before = first.setdefault(image, number) if hash(image) in repeated else number
            if before != number:
                yield _Line(number, image, f"listed again, first in line {before}")
            elif image in others.images:
                yield _Line(number, image, f"also in {others.images[image]}")
            else:
                yield _Line(number, image)

    def _decoded(self, lines: list[_Line], sizes: set[int]) -> list[_Line]:
        return [line if line.problem or self._is_over else self._decode(line, sizes) for line in lines]

    def _decode(self, line: _Line, sizes: set[int]) -> _Line:
        path = self.root / line.image
        try:
            decode(path, channels=3)
        except DecodeError as error:
            return line._replace(problem=str(error))
        return line._replace(digest=content_digest(path) if file_size(path) in sizes else None)


@dataclass(frozen=True, kw_only=True)
class _Survey:
    """Hash of each parsed line's path, and its file's size, 0 where there is no such file: both int64."""

    places: np.ndarray
    sizes: np.ndarray

    def repeated_places(self) -> set[int]:
        """Hashes of paths that come more than once."""
        values, counts = np.unique(self.places, return_counts=True)
        return set(values[counts > 1].tolist())

    def repeated_sizes(self) -> set[int]:
        """Sizes that several files have."""
        values, counts = np.unique(self.sizes, return_counts=True)
        return set(values[(counts > 1) & (values > 0)].tolist())


def _survey(path: Path, root: Path) -> _Survey:
    places, sizes = array("q"), array("q")
    for image in _images(path):
        places.append(hash(image))
        sizes.append(file_size(f"{root}/{image}" if not image.startswith("/") else image))
    return _Survey(places=np.array(places, np.int64), sizes=np.array(sizes, np.int64))


def _images(path: Path) -> Iterator[str]:
    for _, text in list_lines(path):
        with suppress(
            UsageError
        ):  # a bad line is told when its turn comes, one of another list in its own check
            yield listed_path(path, text)


class _OtherLists:
    """What the other train, valid and test lists of a folder share with one of them.

    ``images`` and ``contents`` say by path and by digest where an image of theirs is listed, ``sizes`` how
    long their files are: of those that may be in this list, too.
    """

    def __init__(self, path: Path, root: Path, own: _Survey) -> None:
        self.images: dict[str, str] = {}
        self.contents: dict[bytes, str] = {}
        self.sizes: set[int] = set()
        for other in _lists_beside(path):
            theirs = _survey(other, root)
            shared = set(np.intersect1d(own.places, theirs.places).tolist())
            self.sizes |= set(np.intersect1d(own.sizes, theirs.sizes).tolist()) - {0}
            self._add(other, root, shared)

    def _add(self, other: Path, root: Path, shared: set[int]) -> None:
        for number, text in list_lines(other):
            with suppress(UsageError):
                image = listed_path(other, text)
                where = f"{other.name}:{number}"
                if hash(image) in shared:
                    self.images.setdefault(image, where)
                elif file_size(root / image) in self.sizes and (digest := content_digest(root / image)):
                    self.contents.setdefault(digest, where)


def _lists_beside(path: Path) -> list[Path]:
    own = split_of(path)
    if own in (None, WHOLE):
        return []
    beside = [other for other in sorted(path.parent.glob(f"*{path.suffix}")) if other.is_file()]
    # Of one kind alone: our lists are written from PaddleClas's, and hold the same images.
    alike = [other for other in beside if is_paddle(other) == is_paddle(path)]
    return [other for other in alike if split_of(other) not in (None, WHOLE, own)]
