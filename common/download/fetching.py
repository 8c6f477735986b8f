"""Fetching the published data sets: downloaded, checked, unpacked, and either complete or absent.

All work happens in a hidden folder beside the data, which holds what another call can go on with. The
data appear under their name in one step, with a note of what they are; nothing half-done is ever there.
"""

import fcntl
import json
import shutil
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import UTC, datetime
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

from common.cli import UnavailableError, UsageError, noting_on_stop
from common.download.archives import ArchiveError, unpack
from common.download.catalogue import DATA_SETS, DataSet, Published

NOTE = "fetched.json"  # in the data's folder: addresses, checksums, and the size of every file


def fetch(name: str, output: Path, *, mirror: str = "") -> tuple[Path, bool]:
    """Fetch a data set of ``catalogue.DATA_SETS`` into a folder of its own below ``output``.

    Returns that folder, and whether anything had to be fetched: where it is complete, nothing is done.
    ``mirror`` is an address under which the same files lie; the published checksums hold for them too.
    Raises UsageError if the folder is not ours or cannot be written, UnavailableError if the data cannot
    be had, are not what was published, or come in an archive that is not to be trusted.
    """
    data_set = DATA_SETS[name]
    if mirror and (urlsplit(mirror).scheme not in ("http", "https") or not urlsplit(mirror).hostname):
        raise UsageError(f"--mirror {mirror}: expected the address of a folder, such as https://host/folder")
    target, workshop = output / data_set.folder, output / f".{data_set.folder}.fetching"
    there = target.exists()
    if there:
        _require_complete(target, name)
    if there and not workshop.exists():
        return target, False
    try:
        output.mkdir(parents=True, exist_ok=True)
        with _locked(workshop):
            if not target.exists():
                with noting_on_stop(lambda: "what has come is kept; the same command goes on"):
                    _make(data_set, target, workshop=workshop, mirror=mirror)
    except OSError as error:
        place = error.filename or output
        raise UsageError(f"{place}: cannot be written ({error.strerror}); name another --output") from None
    return target, not there


def count_files(folder: Path) -> int:
    """Count the files of a fetched data set."""
    return len(_note_of(folder)["files"])


def _make(data_set: DataSet, target: Path, *, workshop: Path, mirror: str) -> None:
    """Download, check and unpack in the workshop, then put the result in its place."""
    _require_room(workshop, data_set)
    notes = [_download(file, workshop=workshop, mirror=mirror) for file in data_set.files]
    fresh = workshop / "fresh"
    shutil.rmtree(fresh, ignore_errors=True)  # of a call that was killed
    fresh.mkdir()
    done = fresh / data_set.folder
    if data_set.packed:
        (file,) = data_set.files
        _unpack(workshop / file.name, fresh, folder=data_set.folder, url=notes[0]["url"], size=file.size)
    else:
        done.mkdir()
        for file in data_set.files:
            (workshop / file.name).rename(done / file.name)
    note = {"fetched": datetime.now(UTC).isoformat(timespec="seconds"), "from": notes, "files": _sizes(done)}
    (done / NOTE).write_text(json.dumps(note, ensure_ascii=False, indent=1) + "\n", encoding="utf-8")
    done.rename(target)


def _unpack(archive: Path, fresh: Path, *, folder: str, url: str, size: int) -> None:
    try:
        unpack(archive, fresh, max_bytes=2 * size)  # photographs and pickled pixels hardly shrink
        if not (fresh / folder).is_dir():
            raise ArchiveError(f"holds no folder {folder}")
    except ArchiveError as error:
        shutil.rmtree(fresh)
        archive.unlink()
        raise UnavailableError(f"{url}: the archive {error}; nothing of it was kept") from None


def _download(file: Published, *, workshop: Path, mirror: str) -> dict[str, Any]:
    """Bring a file into the workshop, unless it is there.

    Returns the facts to note about it.
    """
    import pooch  # slow to import, and only needed here

    from common.download.resumable import Resuming

    pooch.get_logger().setLevel("WARNING")
    url = f"{mirror.rstrip('/')}/{file.name}" if mirror else file.url
    downloader = Resuming(workshop / f"{file.name}.part", size=file.size)
    for attempt in range(2):
        try:
            pooch.retrieve(
                url, known_hash=file.checksum, fname=file.name, path=workshop, downloader=downloader
            )
            return {"url": url, "size": file.size, "checksum": file.checksum, "published_by": file.source}
        except ValueError:  # the checksum is wrong: perhaps two versions were joined
            if attempt or not downloader.resumed:
                break
    raise UnavailableError(
        f"{url}: {file.size:,} bytes whose {file.checksum.partition(':')[0]} is not the published one "
        f"({file.source}); they were thrown away: run it again, or name another --mirror"
    )


@contextmanager
def _locked(workshop: Path) -> Iterator[None]:
    """The hidden folder to work in, for one process at a time.

    It goes when nothing in it is of use.
    """
    workshop.mkdir(exist_ok=True)
    with (workshop / "lock").open("w") as lock:
        try:
            fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            raise UsageError(f"{workshop}: another process is fetching this; wait for it") from None
        for left in workshop.glob("tmp*"):  # pooch's, of a call that was killed
            left.unlink()
        try:
            yield
            shutil.rmtree(workshop)
        finally:
            if workshop.exists() and list(workshop.iterdir()) == [workshop / "lock"]:
                shutil.rmtree(workshop)


def _require_room(folder: Path, data_set: DataSet) -> None:
    size = sum(file.size for file in data_set.files)
    present = sum(path.stat().st_size for path in folder.iterdir() if path.is_file())
    needed, free = size * (2 + data_set.packed) - present, shutil.disk_usage(folder).free
    if needed > free:
        raise UsageError(
            f"{folder.parent}: {free:,} bytes are free and {needed:,} are needed; name another --output"
        )


def _require_complete(target: Path, name: str) -> None:
    """That a folder is what an earlier call put there."""
    if not (target / NOTE).is_file():
        raise UsageError(f"{target}: is there, but not from here; move it away, or name another --output")
    now, then = _sizes(target), _note_of(target)["files"]
    lost = [path for path, size in then.items() if now.get(path) != size]
    if lost:
        raise UsageError(
            f"{target}: {len(lost)} of {len(then)} files are missing or changed, the first {lost[0]}; "
            f"move the folder away and fetch {name} again"
        )


def _note_of(folder: Path) -> dict[str, Any]:
    try:
        note: dict[str, Any] = json.loads((folder / NOTE).read_text(encoding="utf-8"))
    except ValueError:
        raise UsageError(f"{folder / NOTE}: is damaged; move the folder away and fetch it again") from None
    return note


def _sizes(folder: Path) -> dict[str, int]:
    """The files below a folder, by relative path, and their sizes."""
    files = sorted(path for path in folder.rglob("*") if path.is_file() and path != folder / NOTE)
    return {path.relative_to(folder).as_posix(): path.stat().st_size for path in files}
