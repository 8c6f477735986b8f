"""A process of a run ends with the launcher that started it, and soon after another one of it was stopped.

Nobody else would end it: it would wait for the others without an end.
"""

import itertools
import os
import threading
import time
from collections import Counter
from collections.abc import Iterator
from contextlib import suppress
from pathlib import Path
from typing import NoReturn

from common.endings import UNAVAILABLE, complain
from common.runtime.distributed import RANK_VARIABLES

LOOK_SECONDS = 1.0
STOPPED_SECONDS = 30.0  # so long another process may be stopped (SIGSTOP, a debugger) before the run ends
STARTED_BY = os.getppid()  # now: by the time that a framework is imported the launcher may be gone
SEARCH_EVERY = 10  # looks: who else is of the run is searched for among all processes
PROCESSES = Path("/proc")


def end_with_launcher(
    program: str,
    *,
    interval: float = LOOK_SECONDS,
    stopped_seconds: float = STOPPED_SECONDS,
    launcher: int = STARTED_BY,
) -> None:
    """End this process soon after its launcher, or after another one that the launcher started was stopped.

    One that is only slow is waited for: what counts is what the kernel says of it, on this machine alone.
    Files of a run are complete or absent at any moment, so that nothing is lost.
    """
    looks = max(1, round(stopped_seconds / interval))
    threading.Thread(target=_watch, args=(program, launcher, interval, looks), daemon=True).start()


def _watch(program: str, launcher: int, interval: float, looks: int) -> None:
    # Looks are counted, and no seconds: who was stopped with all the others looks at nobody meanwhile.
    stopped: Counter[str] = Counter()
    ranks: dict[str, str] = {}
    for look in itertools.count():
        if os.getppid() != launcher:
            _end(program, "the launcher has ended, and this process of its run with it")
        if look % SEARCH_EVERY == 0:
            ranks = dict(_ranks_of(launcher))
        stopped = Counter({process: stopped[process] + 1 for process in ranks if _is_stopped(process)})
        for process, number in stopped.items():
            if number >= looks:
                _end(
                    program,
                    f"process {ranks[process]} of this run (process id {process}) has been stopped for "
                    f"{looks * interval:.0f} s, and the others wait for it",
                )
        time.sleep(interval)


def _end(program: str, why: str) -> NoReturn:
    complain(program, f"{why}; go on with --resume")
    os._exit(UNAVAILABLE)


def _ranks_of(launcher: int) -> Iterator[tuple[str, str]]:
    """(process id, rank) of each process of the run that the launcher has started on this machine."""
    for folder in PROCESSES.glob("[0-9]*"):
        with suppress(OSError):  # it has just ended, or is another user's
            if _facts(folder.name)[1] == str(launcher):
                for word in (folder / "environ").read_text(errors="replace").split("\0"):
                    name, _, rank = word.partition("=")
                    if name in RANK_VARIABLES:
                        yield folder.name, rank


def _is_stopped(process: str) -> bool:
    try:
        return _facts(process)[0] in {"T", "t"}
    except OSError:
        return False  # it has ended


def _facts(process: str) -> list[str]:
    """State, parent and more, as proc(5) lists them behind the program's name, which may hold any letter."""
    return (PROCESSES / process / "stat").read_text(errors="replace").rpartition(")")[2].split()
