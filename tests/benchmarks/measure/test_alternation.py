"""Two sides taking turns: what happens between two processes of the same side."""

import math
import threading
from dataclasses import replace
from types import SimpleNamespace

import pytest

from benchmarks.manager.worker_process import WorkerFailure
from benchmarks.measure.interleave import Interleaving
from benchmarks.request.job import JobFacts
from benchmarks.results.samples import Block, Measured
from common.runtime.settings import Settings

SECONDS = 10  # that a test waits for what should be there at once


class Session:
    """Sides that prepare and measure in no time. A second preparation must find the other side at it too."""

    def __init__(self):
        self.places = {"torch": None, "paddle": None}
        self.request = SimpleNamespace(
            settings_mode="equalised", warmup=0, min_iterations=1, min_seconds=0.0, seed=0
        )
        self.prepared = dict.fromkeys(self.places, 0)
        self.ended = {name: threading.Event() for name in self.places}
        self.meeting = threading.Barrier(2)
        self.fails = None

    def prepare(self, name, case):
        self.prepared[name] += 1
        if self.prepared[name] > 1:
            self.meeting.wait(SECONDS)
            if name == self.fails:
                raise WorkerFailure(name, "crashed", "it was planted")
        number = self.prepared[name]
        settings = Settings(threads=2)
        return Measured(facts=JobFacts(settings=settings, device="cpu", build_seconds=number, error=number))

    def measure(self, name, measured, **_):
        block = Block(process=measured.process)
        block.extend({"step": [0.1]})
        measured.blocks.append(block)
        measured.unsynchronised_seconds.append(0.05)
        return measured.blocks[-1]

    def warm_up(self, name):
        pass

    def end(self, name):
        self.ended[name].set()


class Bar:
    """Counts as a progress bar does."""

    def __init__(self):
        self.done, self.total = 0, 6

    def update(self):
        self.done += 1


@pytest.fixture
def pair(monkeypatch):
    monkeypatch.setattr("benchmarks.measure.interleave.unequal_settings", lambda *_, **__: None)
    monkeypatch.setattr("benchmarks.measure.interleave.compared_settings", lambda *_: ())
    return Interleaving(Session(), None, explainer=SimpleNamespace(explain=lambda *_: None))


def test_later_processes_are_prepared_at_once_and_go_on_with_what_was_measured(pair):
    pair.run(rounds=6, processes=3, bar=Bar())
    assert pair.session.prepared == {"torch": 3, "paddle": 3}
    for measured in pair.measured.values():
        assert len(measured.blocks) == len(measured.unsynchronised_seconds) == 12
        assert [block.process for block in measured.blocks] == [0] * 4 + [1] * 4 + [2] * 4
        facts = measured.facts
        assert (facts.build_seconds, facts.error) == (1, 3)  # the first had the machine to itself


@pytest.mark.parametrize(
    ("half_width", "precise", "processes", "times"),
    [(0.01, 5, 3, 1), (0.1, 5, 3, 2), (0.1, None, 3, 1), (0.1, 15, 3, 1), (math.inf, 5, 1, 1)],
)
def test_what_is_not_known_precisely_is_measured_once_more(
    pair, monkeypatch, half_width, precise, processes, times
):
    bar = Bar()
    monkeypatch.setattr(pair, "change", lambda: SimpleNamespace(half_width=lambda: half_width))
    pair.run(rounds=6, processes=processes, bar=bar, precise=precise)
    assert pair.session.prepared == dict.fromkeys(pair.names, processes * times)
    assert (sum(pair.processes), bar.done, bar.total) == (6 * times,) * 3
    assert len(pair.measured["torch"].blocks) == 12 * times


def test_only_a_processor_has_neighbours_to_allow_for(pair):
    widths = {}
    for device in ("cpu", "gpu"):
        pair.processes = []
        pair.run(rounds=6, processes=1, bar=Bar())
        for measured in pair.measured.values():
            measured.facts = replace(measured.facts, device=device)
        low, high = pair.estimate().interval
        widths[device] = high / low
        pair.session.prepared = dict.fromkeys(pair.names, 0)
    assert widths == {"cpu": pytest.approx(math.exp(2 * 1.96 * 0.03 * math.sqrt(2))), "gpu": 1.0}


def test_a_side_whose_second_process_fails_is_a_row_and_the_other_goes_on(pair):
    pair.session.fails = "paddle"
    pair.run(rounds=4, processes=2, bar=Bar())
    assert list(pair.failures) == ["paddle"]
    assert len(pair.measured["torch"].blocks) == 8


def test_whoever_interrupts_the_preparation_waits_for_nobody(pair):
    def prepare(name):
        if name == "torch":
            raise KeyboardInterrupt
        pair.session.ended[name].wait(SECONDS)

    with pytest.raises(KeyboardInterrupt):
        pair._all_at_once(prepare)
    assert pair.session.ended["paddle"].is_set()
