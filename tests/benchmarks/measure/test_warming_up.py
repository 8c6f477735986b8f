"""Untimed steps: as many as were asked for, else three, of slow ones two, and as many on both sides."""

import pytest

from benchmarks.measure import interleave
from benchmarks.measure.interleave import Interleaving
from benchmarks.measure.warming_up import untimed_steps
from benchmarks.results.samples import Measured
from tests.benchmarks.measure.test_alternation import Session


@pytest.mark.parametrize(
    ("asked", "seconds", "done"),
    [
        (None, [0.01], 3),
        (None, [0.7], 2),
        (None, [60.0], 2),
        (None, [2.0, 0.01], 3),  # the first one compiles
        (5, [60.0], 5),
        (0, [1.0], 0),
    ],
)
def test_slow_steps_are_few_unless_a_number_was_asked_for(asked, seconds, done):
    made = []

    def run(steps):
        made.extend([None] * steps)
        return seconds[min(len(made), len(seconds)) - 1]

    assert untimed_steps(asked, run) == done == len(made)


def test_both_sides_make_as_many_as_the_faster_one_needs(monkeypatch):
    session, now, made = Session(), [0.0], {"torch": 0, "paddle": 0}
    session.request.warmup = None

    def warm_up(name, steps):
        made[name] += steps
        now[0] += {"torch": 0.1, "paddle": 1.7}[name] * steps

    monkeypatch.setattr(session, "warm_up", warm_up)
    monkeypatch.setattr(interleave.time, "monotonic", lambda: now[0])
    turns = Interleaving(session, None, explainer=None)
    turns.measured = {name: Measured(facts=None) for name in turns.names}
    turns._warm_up()
    assert made == {"torch": 3, "paddle": 3}
    assert {measured.warmup_steps for measured in turns.measured.values()} == {3}
