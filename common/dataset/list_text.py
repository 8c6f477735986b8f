"""The text of a list file, in blocks of whole lines and line by line."""

from collections.abc import Iterator
from pathlib import Path

import numpy as np

from common.cli import UsageError
from common.files import require_regular

BLOCK_BYTES = 1 << 20
LONGEST_LINE = 100_000  # bytes; a longer one is no line of a list
LABEL_DIGITS = 5  # of a plain label: below 100,000
BYTE_ORDER_MARK = b"\xef\xbb\xbf"


def list_blocks(path: Path) -> Iterator[tuple[int, str]]:
    r"""(line number from 1, text of the whole lines from there, each ended by \n) until the list's end.

    UsageError if the list cannot be read.
    """
    line = 1
    try:
        path.stat()  # a list that is not there has a remedy of its own
        require_regular(path)
        with path.open("rb") as file:
            while block := file.read(BLOCK_BYTES):
                block += file.readline(LONGEST_LINE)
                text = _decoded(block.removeprefix(BYTE_ORDER_MARK) if line == 1 else block, path, line)
                text = text.replace("\r\n", "\n")
                yield line, text if text.endswith("\n") else f"{text}\n"
                line += text.count("\n")
    except FileNotFoundError:
        raise UsageError(
            f"{path}: no such list; make one with: python -m common.dataset index ROOT --output DIR"
        ) from None
    except OSError as error:
        raise UsageError(f"{path}: cannot be read ({error.strerror})") from None


def list_lines(path: Path) -> Iterator[tuple[int, str]]:
    """(line number from 1, text) of each line that is not blank.

    UsageError if the list cannot be read.
    """
    for first, block in list_blocks(path):
        yield from block_lines(first, block)


def block_lines(first: int, block: str) -> Iterator[tuple[int, str]]:
    """(line number, text) of each line of a block that is not blank; ``first`` is its first line's number."""
    for line, text in enumerate(block[:-1].split("\n"), start=first):
        if text and not text.isspace():
            yield line, text.rstrip("\r")


def plain_labels(block: str) -> np.ndarray | None:
    """The labels, int64 (lines,), of a block in which no line needs a second look; None for all others.

    Each of its lines is a path without odd characters, a tab and a label of one to five digits. A million
    such lines are looked at together in a fifth of the time that they take one by one.
    """
    if "\\" in block or ".." in block or "\0" in block:
        return None
    letters = np.frombuffer(block.encode(), dtype=np.uint8)
    ends, tabs = np.flatnonzero(letters == ord("\n")), np.flatnonzero(letters == ord("\t"))
    starts = np.concatenate(([0], ends[:-1] + 1))
    if len(tabs) != len(ends) or (tabs <= starts).any() or (tabs >= ends).any():
        return None
    digits = ends - tabs - 1
    if digits.min() < 1 or digits.max() > LABEL_DIGITS:
        return None
    # The first and the last letter of each path: no space, and none that may be one in another alphabet.
    edges = letters[np.concatenate((starts, tabs - 1))]
    if (edges <= ord(" ")).any() or (edges >= 0x80).any():
        return None
    labels = np.zeros(len(ends), dtype=np.int64)
    for place in range(LABEL_DIGITS):
        values = np.where(place < digits, letters[ends - 1 - place] - ord("0"), 0)
        if values.max() > 9:  # a smaller letter than "0" wraps around
            return None
        labels += values.astype(np.int64) * 10**place
    return labels


def _decoded(block: bytes, path: Path, first: int) -> str:
    """A block's text. Raises UsageError for a line that is too long, and for another encoding."""
    sizes = [len(line) for line in block.split(b"\n")]
    if max(sizes) >= LONGEST_LINE:
        line = first + next(place for place, size in enumerate(sizes) if size >= LONGEST_LINE)
        raise UsageError(f"{path}:{line}: longer than {LONGEST_LINE:,} bytes; is it a list?")
    try:
        return block.decode("utf-8")
    except UnicodeDecodeError as error:
        line = first + block.count(b"\n", 0, error.start)
        raise UsageError(f"{path}:{line}: not a UTF-8 text list; {_encoding(path)}") from None


def _encoding(path: Path) -> str:
    """A remedy for a list in another encoding, which is guessed."""
    with path.open("rb") as file:
        data = file.read(1 << 16)
    if data[:2] in (b"\xff\xfe", b"\xfe\xff"):
        guess = "UTF-16"
    elif b"\0" in data:
        return "it is no text at all"
    else:
        data = data[: data.rfind(b"\n") + 1] or data
        try:
            data.decode("gb18030")
            guess = "GB18030"
        except UnicodeDecodeError:
            return "save it as UTF-8"
    return f"save it as UTF-8; if it is {guess}: iconv -f {guess} -t UTF-8 {path.name} > utf8.txt"
