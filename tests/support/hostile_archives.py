"""Archives that nobody should unpack as they stand, as tar and as zip."""

import io
import stat
import tarfile
import zipfile
from functools import cache

FOLDER = "photos"


def tar_of(*members):
    """A .tgz of (name, content) files, and of TarInfos as they are."""
    buffer = io.BytesIO()
    with tarfile.open(fileobj=buffer, mode="w:gz") as tar:
        for member in members:
            if isinstance(member, tarfile.TarInfo):
                tar.addfile(member)
            else:
                name, content = member
                header = tarfile.TarInfo(name)
                header.size = len(content)
                tar.addfile(header, io.BytesIO(content))
    return buffer.getvalue()


def zip_of(*members, compression=zipfile.ZIP_DEFLATED):
    """A .zip of (name or ZipInfo, content) files."""
    buffer = io.BytesIO()
    with zipfile.ZipFile(buffer, "w", compression) as zipped:
        for name, content in members:
            zipped.writestr(name, content)
    return buffer.getvalue()


def special(kind, name=f"{FOLDER}/special", *, linked="/etc/passwd"):
    member = tarfile.TarInfo(name)
    member.type, member.linkname = kind, linked
    return member


def special_zipped(mode):
    member = zipfile.ZipInfo(f"{FOLDER}/special")
    member.external_attr = mode << 16
    member.create_system = 3
    return member, b"/etc/passwd"


def encrypted():
    """A zip whose one member claims to be encrypted."""
    data = bytearray(zip_of((f"{FOLDER}/a", b"a")))
    data[6] |= 1
    data[data.index(b"PK\x01\x02") + 8] |= 1
    return bytes(data)


def long_header():
    """A tar whose first member's name takes a megabyte."""
    member = tarfile.TarInfo(f"{FOLDER}/" + "a" * (1 << 20))
    return tar_of(member)


def commented():
    """A tar of empty members, each with 60 kB of comment: next to nothing once gzipped, or written."""
    record = b"60000 comment=" + b"a" * (60_000 - 15) + b"\n"
    header = tarfile.TarInfo("comment")
    header.type, header.size = tarfile.XGLTYPE, len(record)
    buffer = io.BytesIO()
    with tarfile.open(fileobj=buffer, mode="w:gz") as tar:
        for number in range(40):
            tar.addfile(header, io.BytesIO(record))
            tar.addfile(tarfile.TarInfo(f"{FOLDER}/{number}"))
    return buffer.getvalue()


@cache
def hostile(outside):
    """Name to (suffix, content, what the refusal says). ``outside`` is an absolute path that is absent."""
    good, many = (f"{FOLDER}/good", b"good"), [(f"{FOLDER}/{n}", b"") for n in range(60)]
    bomb = (f"{FOLDER}/zeros", bytes(1 << 20))
    names = {
        "absolute": (str(outside), "no relative path"),
        "climbing": (f"{FOLDER}/../../climbed", "climbs out"),
        "drive": ("C:/photos/a", "no relative path"),
        "backslashes": ("..\\climbed", "no relative path"),
        "deep": ("a/" * 60 + "a", "no name for a file"),
        "long": (f"{FOLDER}/{'a' * 300}", "no name for a file"),
    }
    cases = {}
    for suffix, archived in ((".tgz", tar_of), (".zip", zip_of)):
        for case, (name, reason) in names.items():
            cases[f"{case}{suffix}"] = (suffix, archived(good, (name, b"evil")), reason)
        cases[f"bomb{suffix}"] = (suffix, archived(good, bomb), "more bytes")
        cases[f"many{suffix}"] = (suffix, archived(*many), "more members")
        cases[f"cut{suffix}"] = (suffix, archived(good)[:-60], "is damaged")
        cases[f"text{suffix}"] = (suffix, b"<html>Not found</html>", "is damaged")
        cases[f"empty{suffix}"] = (suffix, b"", "is damaged")
        cases[f"below a file{suffix}"] = (suffix, archived(good, (f"{good[0]}/a", b"")), "twice")
    twice = tar_of(good, good)
    cases["twice.tgz"] = (".tgz", twice, "twice")
    for kind in ("SYMTYPE", "LNKTYPE", "CHRTYPE", "BLKTYPE", "FIFOTYPE", "CONTTYPE"):
        cases[f"{kind}.tgz"] = (".tgz", tar_of(good, special(getattr(tarfile, kind))), "special file")
    relative = special(tarfile.SYMTYPE, linked="good")
    cases["link inside.tgz"] = (".tgz", tar_of(good, relative), "special file")
    for kind in ("S_IFLNK", "S_IFCHR", "S_IFBLK", "S_IFIFO", "S_IFSOCK"):
        content = zip_of(good, special_zipped(getattr(stat, kind) | 0o666))
        cases[f"{kind}.zip"] = (".zip", content, "special file")
    cases["encrypted.zip"] = (".zip", encrypted(), "unusual way")
    cases["lzma.zip"] = (".zip", zip_of(good, compression=zipfile.ZIP_LZMA), "unusual way")
    cases["header.tgz"] = (".tgz", long_header(), "header of")
    cases["headers without end.tgz"] = (".tgz", commented(), "more bytes")
    return cases
