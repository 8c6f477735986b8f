"""Files that are either complete or absent; what is no regular file is written through or refused."""

import errno
import os
import shutil
import stat
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import NoReturn, TextIO

from common.cli import UnavailableError, UsageError
from common.endings import FULL

NAME_BYTES = 255  # of a file's name, on every file system in use
PREFIX_BYTES = 200  # of a temporary file's name that may be its target's
WRITTEN_THROUGH = (stat.S_ISCHR, stat.S_ISFIFO)  # /dev/null, a terminal, >(a program)


@contextmanager
def replacing(path: Path, *, durable: bool = True) -> Iterator[Path]:
    """Give a temporary path beside ``path``.

    On success it takes its place in one step. Whatever happens (an exception, SIGKILL, a power cut), ``path``
    holds either its old content or the whole new one: the new content reaches the disk before the rename, and
    the rename after it. What need not outlast a power cut is written faster without ``durable``.
    A link stays, and the file that it names is replaced. A character device or a pipe receives the content.
    Raises UsageError where ``path`` cannot be written, UnavailableError where the disk is full.
    """
    through = _written_through(path)
    target = path if through else Path(os.path.realpath(path))
    temporary = _temporary(path, folder=Path(tempfile.gettempdir()) if through else target.parent)
    try:
        yield temporary
        if through:
            _copy_into(path, temporary)
            return
        temporary.chmod(0o666 & ~_umask())  # mkstemp's 0600 would hide results from colleagues
        if durable:
            _flush_to_disk(temporary)
        temporary.replace(target)
        if durable:
            _flush_to_disk(target.parent)
    except OSError as error:
        if error.errno in (*FULL, errno.EIO) or error.filename == str(temporary):
            _refuse(path, error)
        raise
    finally:
        temporary.unlink(missing_ok=True)


@contextmanager
def writing_text(path: Path) -> Iterator[TextIO]:
    r"""Give a file for UTF-8 text, which becomes ``path`` in one step, as ``replacing`` does it.

    Bytes of a file's name that are no UTF-8 are written as \udcXX, which JSON reads back.
    """
    with (
        replacing(path) as temporary,
        temporary.open("w", encoding="utf-8", errors="backslashreplace", newline="\n") as file,
    ):
        yield file
        file.flush()


def write_text(path: Path, text: str) -> None:
    """Write ``text`` as UTF-8, atomically."""
    with writing_text(path) as file:
        file.write(text)


def require_writable(path: Path) -> None:
    """Raise UsageError now if ``path`` cannot be written later, when minutes of work would be lost."""
    if path.is_dir():
        raise UsageError(f"{path}: is a folder; name a file in it")
    if _written_through(path):
        return
    folder = Path(os.path.realpath(path)).parent
    if not folder.is_dir():
        raise UsageError(f"{path}: the folder {folder} does not exist; create it first")
    _temporary(path, folder=folder).unlink()  # root may write everywhere, except where the system cannot


def require_folder(path: Path) -> None:
    """Make a folder now, or raise UsageError, when minutes of work would be lost later."""
    try:
        path.mkdir(parents=True, exist_ok=True)
    except OSError as error:
        _refuse(path, error, what="this folder cannot be made")
    _temporary(path / "result", folder=path).unlink()


def _written_through(path: Path) -> bool:
    """True for a character device or a pipe. Raises UsageError for what takes no text at all."""
    try:
        mode = path.stat().st_mode
    except FileNotFoundError:
        return False
    except OSError as error:
        _refuse(path, error)
    if any(is_kind(mode) for is_kind in WRITTEN_THROUGH):
        return True
    if not stat.S_ISREG(mode) and not stat.S_ISDIR(mode):
        raise UsageError(f"{path}: is no regular file, device of characters or pipe; name a file")
    return False


def _temporary(path: Path, *, folder: Path) -> Path:
    prefix = os.fsdecode(os.fsencode(f".{path.name}.")[:PREFIX_BYTES])
    try:
        handle, name = tempfile.mkstemp(dir=folder, prefix=prefix, suffix=".part")
    except OSError as error:
        _refuse(path, error)
    os.close(handle)
    return Path(name)


def _copy_into(path: Path, content: Path) -> None:
    # Without O_NONBLOCK a pipe that nobody reads would be waited for without an end.
    try:
        handle = os.open(path, os.O_WRONLY | os.O_NONBLOCK | os.O_NOCTTY)
        os.set_blocking(handle, True)
        with content.open("rb") as source, os.fdopen(handle, "wb", buffering=0) as target:
            shutil.copyfileobj(source, target)
    except OSError as error:
        _refuse(path, error)


def _refuse(path: Path, error: OSError, *, what: str = "cannot be written") -> NoReturn:
    if error.errno in FULL:
        raise UnavailableError(f"{path}: {what} ({error.strerror}); make room, or name another") from None
    if error.errno == errno.EIO:
        raise UnavailableError(f"{path}: {what} ({error.strerror}); name another place") from None
    if error.errno == errno.ENXIO:
        raise UsageError(f"{path}: nobody reads this pipe; start its reader first") from None
    raise UsageError(f"{path}: {what} ({error.strerror}); name another") from None


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


def require_regular(path: Path) -> None:
    """Raise UsageError unless ``path`` is a file that can be read to its end: no folder, pipe or device."""
    try:
        mode = path.stat().st_mode
    except FileNotFoundError:
        raise UsageError(f"{path}: cannot be read: no such file") from None
    except (OSError, ValueError) as error:
        said = error.strerror if isinstance(error, OSError) else error
        raise UsageError(f"{path}: cannot be read ({said}); name a file") from None
    if not stat.S_ISREG(mode):
        what = "a folder" if stat.S_ISDIR(mode) else "no regular file but a pipe, a socket or a device"
        raise UsageError(f"{path}: is {what}; name a file")
