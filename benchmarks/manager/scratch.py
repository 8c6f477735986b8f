"""A temporary folder that always disappears, whatever becomes of the processes that use it."""

import fcntl
import shutil
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path

PREFIX = "side-by-side-"
LOCK = "owner.lock"


@contextmanager
def scratch_folder() -> Iterator[Path]:
    """A fresh folder, removed at the end.

    Folders that killed processes left are removed first. A lock held while the owner lives distinguishes the
    two: the system drops it even after SIGKILL. Workers remove the folder as well when their parent vanishes.
    """
    _sweep()
    folder = Path(tempfile.mkdtemp(prefix=PREFIX))
    try:
        with (folder / LOCK).open("w") as lock:
            fcntl.flock(lock, fcntl.LOCK_EX)
            yield folder
    finally:
        shutil.rmtree(folder, ignore_errors=True)


def _sweep() -> None:
    for lock_path in Path(tempfile.gettempdir()).glob(f"{PREFIX}*/{LOCK}"):
        with suppress(OSError), lock_path.open("r+") as lock:  # another user's, or held by its owner
            fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
            shutil.rmtree(lock_path.parent, ignore_errors=True)
