"""What the machine reaches is read in every lap: one reading may fall into a slow minute."""

from dataclasses import replace
from types import SimpleNamespace

import pytest

from benchmarks.manager.installations import both_backends
from benchmarks.measure.diagnostics import GLANCE_SECONDS, Diagnostics
from benchmarks.results.samples import Measured
from tests.support.machines import CASE, FACTS

PEAKS = {"matmul_peak": [100e9, 163e9, 80e9, 66e9], "bandwidth": [20e9, 22e9, 21e9, 23e9]}


class Worker:
    """A process of its own each lap; the last one's readings are the whole ones."""

    def __init__(self, lap, asked):
        self.pid, self._lap, self._asked = 100 + lap, lap, asked

    def ask(self, task, **arguments):
        self._asked.append((task, arguments.get("seconds")))
        return PEAKS[task][self._lap] if task in PEAKS else None


@pytest.fixture
def session():
    asked = []
    found = SimpleNamespace(places=both_backends(), asked=asked)
    found.request = SimpleNamespace(settings_mode="equalised", layers=False)
    found.lap = lambda lap: setattr(found, "worker", lambda _: Worker(lap, asked))
    return found


def explained(session, glances):
    """The peaks after some laps."""
    explainer, measured = Diagnostics(session), Measured(facts=FACTS)
    for lap in range(glances):
        session.lap(lap)
        for case in (CASE, replace(CASE, phase="train"), replace(CASE, phase="data")):
            explainer.glance("torch", case, "cpu")
    session.lap(3)
    explainer.explain("torch", CASE, measured)
    assert (measured.matmul_peak_flops, measured.bandwidth_bytes) == (66e9, 23e9)  # alike in every file
    return measured.best_matmul_flops, measured.best_bandwidth_bytes


def test_the_best_of_all_laps_is_the_machines(session):
    assert explained(session, glances=3) == (163e9, 23e9)
    glances = [task for task, seconds in session.asked if seconds == GLANCE_SECONDS]
    assert glances == ["matmul_peak", "bandwidth"] * 3  # once a process, whatever is measured in it


def test_the_last_reading_alone_would_be_a_slow_minutes(session):
    assert explained(session, glances=0) == (66e9, 23e9)


def test_an_earlier_versions_worker_is_not_asked(session):
    session.places |= {"paddle": replace(session.places["paddle"], root="/elsewhere")}
    explainer = Diagnostics(session)
    session.lap(0)
    for name in session.places:  # nor the other, whose memory would look otherwise
        explainer.glance(name, CASE, "cpu")
    assert session.asked == []


def test_what_was_read_to_the_end_is_not_read_again(session):
    explainer = Diagnostics(session)
    session.lap(3)
    explainer.explain("torch", CASE, Measured(facts=FACTS))
    asked = len(session.asked)
    session.lap(0)
    explainer.glance("torch", CASE, "cpu")
    assert len(session.asked) == asked
