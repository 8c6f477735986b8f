"""Files that are either complete or absent."""

import os
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from common.cli import UsageError


@contextmanager
def replacing(path: Path, *, durable: bool = True) -> Iterator[Path]:
    """Give a temporary path beside ``path``.

    On success it takes its place in one step. Whatever happens (an exception, SIGKILL, a power cut), ``path``
    holds either its old content or the whole new one: the new content reaches the disk before the rename, and
    the rename after it. What need not outlast a power cut is written faster without ``durable``.
    """
    handle, name = tempfile.mkstemp(dir=path.parent, prefix=f".{path.name}.", suffix=".part")
    os.close(handle)
    temporary = Path(name)
    try:
        yield temporary
        temporary.chmod(0o666 & ~_umask())  # mkstemp's 0600 would hide results from colleagues
        if durable:
            _flush_to_disk(temporary)
        temporary.replace(path)
        if durable:
            _flush_to_disk(path.parent)
    finally:
        temporary.unlink(missing_ok=True)


def write_text(path: Path, text: str) -> None:
    """Write ``text`` as UTF-8, atomically."""
    with replacing(path) as temporary:
        temporary.write_text(text, encoding="utf-8")


def require_writable(path: Path) -> None:
    """Raise UsageError now if ``path`` cannot be written later, when minutes of work would be lost."""
    folder = path.parent
    if path.is_dir():
        raise UsageError(f"{path}: is a folder; name a file in it")
    if not folder.is_dir():
        raise UsageError(f"{path}: the folder {folder} does not exist; create it first")
    if not os.access(folder, os.W_OK):
        raise UsageError(f"{path}: the folder {folder} is not writable; choose another")


def require_folder(path: Path) -> None:
    """Make a folder now, or raise UsageError, when minutes of work would be lost later."""
    try:
        path.mkdir(parents=True, exist_ok=True)
    except OSError as error:
        raise UsageError(f"{path}: cannot create this folder ({error.strerror}); choose another") from None
    require_writable(path / "result.json")


def _flush_to_disk(path: Path) -> None:
    handle = os.open(path, os.O_RDONLY)
    try:
        os.fsync(handle)
    finally:
        os.close(handle)


def _umask() -> int:
    mask = os.umask(0)
    os.umask(mask)
    return mask
