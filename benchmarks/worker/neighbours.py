"""Threads of Python work beside what is timed, in the same process, as a web server or a preprocessor has.

Both frameworks give Python's lock back while they compute eagerly; how often they want it again differs, and
with it what a neighbour costs (see paddle's issue 58838). What was compiled ahead keeps it for a whole batch.
"""

import threading
from collections.abc import Iterator
from contextlib import contextmanager

ROUND = 1000  # additions between two looks at whether it is over: a fraction of a millisecond


@contextmanager
def neighbours(number: int) -> Iterator[None]:
    """So many threads compute in Python meanwhile; they all run before the block begins, and end with it."""
    over, running = threading.Event(), threading.Barrier(number + 1)

    def work() -> None:
        running.wait()
        while not over.is_set():
            sum(value * value for value in range(ROUND))

    threads = [threading.Thread(target=work, daemon=True) for _ in range(number)]
    for thread in threads:
        thread.start()
    running.wait()
    try:
        yield
    finally:
        over.set()
        for thread in threads:
            thread.join()
