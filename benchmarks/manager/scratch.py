"""A temporary folder that always disappears, whatever becomes of the processes that use it."""

import fcntl
import shutil
import tempfile
import time
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path

PREFIX = "side-by-side-"
LOCK = "owner.lock"
UNLOCKED = "owner.new"  # the lock until it is held
ABANDONED_SECONDS = 3600  # after which a folder that never had its lock is nobody's


@contextmanager
def scratch_folder() -> Iterator[Path]:
    """A fresh folder, removed at the end.

    Folders that killed processes left are removed first. A lock held while the owner lives distinguishes the
    two: the system drops it even after SIGKILL. It gets its name once it is held, so that nobody finds it
    without an owner. Workers remove the folder as well when their parent vanishes.
    """
    _sweep()
    folder = Path(tempfile.mkdtemp(prefix=PREFIX))
    try:
        with (folder / UNLOCKED).open("w") as lock:
            fcntl.flock(lock, fcntl.LOCK_EX)
            (folder / UNLOCKED).rename(folder / LOCK)
            yield folder
    finally:
        shutil.rmtree(folder, ignore_errors=True)


def _sweep() -> None:
    for folder in Path(tempfile.gettempdir()).glob(f"{PREFIX}*"):
        with suppress(OSError):  # another user's, or held by its owner, or gone meanwhile
            if not (folder / LOCK).exists():
                if time.time() - folder.stat().st_mtime > ABANDONED_SECONDS:
                    shutil.rmtree(folder, ignore_errors=True)
                continue
            with (folder / LOCK).open("r+") as lock:
                fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
                shutil.rmtree(folder, ignore_errors=True)
