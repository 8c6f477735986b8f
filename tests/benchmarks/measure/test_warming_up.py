"""Untimed steps: as many as were asked for, else three, of slow ones fewer."""

import pytest

from benchmarks.manager import session
from benchmarks.manager.session import warmed_up


class Clock:
    """Time that only steps take."""

    def __init__(self, seconds):
        self.now, self.seconds, self.asked = 0.0, seconds, []

    def run(self, steps):
        self.now += steps * self.seconds
        self.asked.append(steps)

    def monotonic(self):
        return self.now


@pytest.mark.parametrize(
    ("asked", "seconds", "done"),
    [
        (None, 0.01, 3),
        (None, 0.4, 3),
        (None, 0.7, 2),
        (None, 1.7, 1),
        (None, 60.0, 1),
        (5, 60.0, 5),
        (0, 1.0, 0),
    ],
)
def test_slow_steps_are_few_unless_a_number_was_asked_for(monkeypatch, asked, seconds, done):
    clock = Clock(seconds)
    monkeypatch.setattr(session, "time", clock)
    assert warmed_up(asked, clock.run) == done == sum(clock.asked)
