"""Archives unpacked without trusting them: plain files and folders below the target, and only so many.

A member that would lie elsewhere, that is a link or a device, or that is one too many refuses the whole
archive. What an archive claims about its sizes is not believed: bytes are counted as they are written.
tarfile's own "data" filter does less: it bounds neither bytes nor headers, and there is none for .zip.
"""

import errno
import gzip
import re
import stat
import tarfile
import zipfile
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import IO, Self

MAX_DEPTH, MAX_NAME = 8, 255  # folders above a file; bytes of a name, as file systems have it
MAX_HEADER = 64 << 10  # of a long name or of extended attributes: tarfile takes it into memory whole
MAX_MEMBERS = 20_000
CHUNK = 1 << 16
_FOR_THE_NEXT_MEMBER = frozenset({b"L", b"K", b"x", b"X", b"g"})


class ArchiveError(ValueError):
    """An archive that is damaged or not to be trusted.

    The message says which member and why.
    """


@dataclass
class Allowance:
    """Budget that is left for unpacking: members, and bytes of their content."""

    members: int
    size: int

    def take_member(self) -> None:
        """Count one more."""
        self.members -= 1
        if self.members < 0:
            raise ArchiveError("holds more members than any published copy")

    def take_bytes(self, count: int) -> None:
        """Count more content."""
        self.size -= count
        if self.size < 0:
            raise ArchiveError("unpacks to more bytes than any published copy")


def unpack(archive: Path, target: Path, *, max_bytes: int, max_members: int = MAX_MEMBERS) -> None:
    """Unpack a .zip, or a gzipped tar, into the empty folder ``target``.

    ``max_bytes`` bounds what is written; a tar may hold half as much again in headers. Modes, owners
    and times are not restored. Raises ArchiveError, with part of the archive unpacked; OSError where
    the target cannot be written.
    """
    allowance = Allowance(max_members, max_bytes)
    members = _zip_members(archive) if archive.suffix == ".zip" else _tar_members(archive, max_bytes)
    try:
        for name, content in members:
            allowance.take_member()
            _require_plain_name(name)
            _write(target / name, content, allowance)
    except ArchiveError:
        raise
    except (FileExistsError, NotADirectoryError, IsADirectoryError):
        raise ArchiveError(f"holds {name!r} twice") from None
    except Exception as error:  # tarfile and zipfile raise nearly anything on damaged files
        if isinstance(error, OSError) and error.errno not in (None, errno.EINVAL):
            raise  # the disk is full, say; those two are gzip's own, and a position before the file's start
        raise ArchiveError(f"is damaged ({type(error).__name__}: {error})") from None


def _write(path: Path, content: IO[bytes] | None, allowance: Allowance) -> None:
    """Write a file, or make a folder where there is no content."""
    if content is None:
        path.mkdir(parents=True, exist_ok=True)
        return
    path.parent.mkdir(parents=True, exist_ok=True)
    with path.open("xb") as file:  # x: a member that comes again replaces nothing
        while chunk := content.read(CHUNK):
            allowance.take_bytes(len(chunk))
            file.write(chunk)


def _require_plain_name(name: str) -> None:
    """Relative, below the target on every system, and such that any file system takes it."""
    parts = name.rstrip("/").split("/")
    if name.startswith("/") or "\\" in name or re.match("[A-Za-z]:", name):
        raise ArchiveError(f"holds {name!r}, which is no relative path")
    if ".." in parts:
        raise ArchiveError(f"holds {name!r}, which climbs out of its folder")
    if "\0" in name or len(parts) > MAX_DEPTH or max(len(part.encode()) for part in parts) > MAX_NAME:
        raise ArchiveError(f"holds {name[:80]!r}, which is no name for a file")


def _tar_members(archive: Path, max_bytes: int) -> Iterator[tuple[str, IO[bytes] | None]]:
    # As a stream: it cannot be made to seek, and all that is decompressed is counted.
    with _Counted(archive) as unzipped:
        unzipped.allowance = Allowance(0, max_bytes + max_bytes // 2 + (1 << 20))
        with tarfile.open(fileobj=unzipped, mode="r|", tarinfo=_Member, errorlevel=2) as tar:
            for member in tar:
                _require_file_or_folder(member)
                yield member.name, None if member.isdir() else tar.extractfile(member)


def _require_file_or_folder(member: tarfile.TarInfo) -> None:
    if member.type not in (tarfile.REGTYPE, tarfile.AREGTYPE, tarfile.DIRTYPE):
        raise ArchiveError(f"holds {member.name!r}, which is a link, a device or another special file")


class _Counted(gzip.GzipFile):
    """Stream for tarfile with a limit: a small file can be made to decompress for hours."""

    allowance: Allowance

    def read(self, size: int | None = -1) -> bytes:
        chunk = super().read(size)
        self.allowance.take_bytes(len(chunk))
        return chunk


class _Member(tarfile.TarInfo):
    """A header that does not make tarfile take any amount into memory."""

    @classmethod
    def frombuf(cls, buf: bytes | bytearray, encoding: str, errors: str) -> Self:
        member = super().frombuf(buf, encoding, errors)
        _require_small_header(member)
        return member


def _require_small_header(member: tarfile.TarInfo) -> None:
    if member.size < 0 or (member.type in _FOR_THE_NEXT_MEMBER and member.size > MAX_HEADER):
        raise ArchiveError(f"holds a header of {member.size:,} bytes")


def _zip_members(archive: Path) -> Iterator[tuple[str, IO[bytes] | None]]:
    with zipfile.ZipFile(archive) as zipped:
        for member in zipped.infolist():
            _require_plain_member(member)
            if member.is_dir():
                yield member.filename, None
            else:
                with zipped.open(member) as content:
                    yield member.filename, content


def _require_plain_member(member: zipfile.ZipInfo) -> None:
    kind = stat.S_IFMT(member.external_attr >> 16)  # Unix's mode; 0 where another system wrote it
    if kind not in (0, stat.S_IFREG, stat.S_IFDIR):
        raise ArchiveError(f"holds {member.filename!r}, which is a link, a device or another special file")
    if member.flag_bits & 1 or member.compress_type not in (zipfile.ZIP_STORED, zipfile.ZIP_DEFLATED):
        raise ArchiveError(f"holds {member.filename!r}, encrypted or compressed in an unusual way")
