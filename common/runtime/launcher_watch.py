"""A process of a run ends with the launcher that started it: nobody else would end it, or know of it."""

import os
import threading
import time

from common.endings import UNAVAILABLE, complain

LOOK_SECONDS = 1.0
STARTED_BY = os.getppid()  # now: by the time that a framework is imported the launcher may be gone


def end_with_launcher(program: str, *, interval: float = LOOK_SECONDS, launcher: int = STARTED_BY) -> None:
    """End this process soon after its parent, even while it waits for other processes.

    Files of a run are complete or absent at any moment, so that nothing is lost.
    """
    threading.Thread(target=_watch, args=(program, launcher, interval), daemon=True).start()


def _watch(program: str, launcher: int, interval: float) -> None:
    while os.getppid() == launcher:
        time.sleep(interval)
    complain(program, "the launcher has ended, and this process of its run with it; go on with --resume")
    os._exit(UNAVAILABLE)
