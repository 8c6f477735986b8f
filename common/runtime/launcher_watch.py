"""A process of a run ends with the launcher that started it: nobody else would end it, or know of it."""

import os
import threading
import time

from common.endings import UNAVAILABLE, complain

LOOK_SECONDS = 1.0


def end_with_launcher(program: str, *, interval: float = LOOK_SECONDS) -> None:
    """End this process soon after its parent, even while it waits for other processes.

    Files of a run are complete or absent at any moment, so that nothing is lost.
    """
    threading.Thread(target=_watch, args=(program, os.getppid(), interval), daemon=True).start()


def _watch(program: str, launcher: int, interval: float) -> None:
    while os.getppid() == launcher:
        time.sleep(interval)
    complain(program, "the launcher has ended, and this process of its run with it; go on with --resume")
    os._exit(UNAVAILABLE)
