"""Simulated time: threads that wait for it, and it passes when all of them do."""

import threading


class SimulatedTime:
    """A clock and a condition variable (``server.Moments``) for threads that compute nothing.

    ``start`` replaces Thread.start, so that it is known how many there are.
    """

    def __init__(self):
        self._condition = threading.Condition()
        self._now, self._running, self._awake, self._waiting = 0.0, 0, {}, {}

    def now(self):
        return self._now

    def start(self, thread):
        with self._condition:
            self._running += 1
        target = thread.run

        def run():
            try:
                target()
            finally:
                with self._condition:
                    self._running -= 1
                    self._pass_on()

        thread.run = run
        thread.start()

    def __enter__(self):
        return self._condition.__enter__()

    def __exit__(self, *details):
        return self._condition.__exit__(*details)

    def sleep(self, seconds):
        with self._condition:
            end = self._now + seconds
            while self._now < end:
                self._wait_until(end, notified=False)

    def hold(self, seconds):
        """Compute so long with nobody else having a turn, as Python's lock makes it."""
        with self._condition:
            self._now += seconds

    def wait(self, seconds):
        self._wait_until(float("inf") if seconds is None else self._now + seconds, notified=True)

    def notify_all(self):
        for key, (_, notified) in list(self._waiting.items()):
            if notified:
                self._wake(key)
        self._condition.notify_all()

    def _wait_until(self, moment, *, notified):
        key = object()
        self._waiting[key] = (moment, notified)
        self._running -= 1
        self._pass_on()
        while key in self._waiting:
            self._condition.wait()

    def _wake(self, key):
        del self._waiting[key]
        self._running += 1

    def _pass_on(self):
        """Let time pass to the next moment that somebody waits for, where everybody waits."""
        if self._running or not self._waiting:
            return
        moment = min(moment for moment, _ in self._waiting.values())
        if moment == float("inf"):
            return
        self._now = max(self._now, moment)
        for key, (each, _) in list(self._waiting.items()):
            if each <= moment:
                self._wake(key)
        self._condition.notify_all()
