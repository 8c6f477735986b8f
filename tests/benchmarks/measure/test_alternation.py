"""Two sides taking turns: what happens between two processes of the same side."""

import math
import threading
from dataclasses import replace
from types import SimpleNamespace

import pytest

from benchmarks.manager.worker_process import WorkerFailure
from benchmarks.measure.interleave import Interleaving
from benchmarks.measure.laps import Plan, go_round
from benchmarks.request.job import JobFacts
from benchmarks.results.samples import Block, Measured
from common.runtime.settings import Settings
from tests.support.machines import explaining

SECONDS = 10  # that a test waits for what should be there at once


class Session:
    """Sides that prepare and measure in no time. A second preparation must find the other side at it too."""

    def __init__(self):
        self.places = {"torch": None, "paddle": None}
        self.request = SimpleNamespace(
            settings_mode="equalised", warmup=0, min_iterations=1, min_seconds=0.0, seed=0, grouped=False
        )
        self.prepared = dict.fromkeys(self.places, 0)
        self.ended = {name: threading.Event() for name in self.places}
        self.meeting = threading.Barrier(2)
        self.fails = None

    def prepare(self, name, case, *, known=None):
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

    def warm_up(self, name, steps):
        pass

    def end(self, name):
        self.ended[name].set()


class Bar:
    """Counts as a progress bar does."""

    def __init__(self):
        self.done, self.total, self.seen = 0, 6, []

    def update(self, number=1):
        self.done += number

    def set_description(self, words):
        self.seen.append(words)


@pytest.fixture
def pair(monkeypatch):
    monkeypatch.setattr("benchmarks.measure.interleave.unequal_settings", lambda *_, **__: None)
    monkeypatch.setattr("benchmarks.measure.interleave.compared_settings", lambda *_: ())
    return Interleaving(Session(), None, explainer=explaining())


def measure(*pairs, rounds=6, processes=3, **more):
    bar = Bar()
    go_round(pairs, Plan(rounds=rounds, pairs=processes, **more), bar=bar)
    return bar


def test_later_processes_are_prepared_at_once_and_go_on_with_what_was_measured(pair):
    measure(pair)
    assert pair.session.prepared == {"torch": 3, "paddle": 3}
    for measured in pair.measured.values():
        assert len(measured.blocks) == len(measured.unsynchronised_seconds) == 12
        assert [block.process for block in measured.blocks] == [0] * 4 + [1] * 4 + [2] * 4
        facts = measured.facts
        assert (facts.build_seconds, facts.error) == (1, 3)  # the first had the machine to itself


def test_all_combinations_have_their_first_pair_before_any_has_its_second(pair, monkeypatch):
    """A lap has one pair of processes, and the last one a pair for each, whose memory is its own."""
    session, started = pair.session, []
    both = [
        Interleaving(
            session,
            case,
            explainer=explaining(started),
        )
        for case in ("infer", "train")
    ]
    monkeypatch.setattr(session, "end", started.append)
    session.meeting = SimpleNamespace(wait=lambda _: None)
    bar = measure(*both)
    assert bar.seen == ["infer", "train"] * 3
    assert [turns.processes for turns in both] == [[2, 2, 2]] * 2
    glances = ["torch glanced", "paddle glanced"]
    last = ["torch", "paddle", "explained", "explained"]
    assert started == [*glances * 2, "torch", "paddle", *glances * 2, *last, *last]


def test_who_cannot_be_glanced_at_loses_nothing(pair, monkeypatch):
    ended = []

    def failing(name, *_):
        if name == "torch":
            raise WorkerFailure(name, "crashed", "no product")

    pair._explainer.glance = failing
    monkeypatch.setattr(pair.session, "end", ended.append)
    pair.session.meeting = SimpleNamespace(wait=lambda _: None)
    measure(pair)
    assert pair.failures == {} and {len(one.blocks) for one in pair.measured.values()} == {12}
    assert ended == ["torch", *["torch", "paddle"], "torch", *["torch", "paddle"]]  # and begun anew each lap


def test_a_single_pair_is_a_pair_for_each_combination(pair, monkeypatch):
    ended = []
    both = [Interleaving(pair.session, case, explainer=explaining()) for case in ("infer", "train")]
    monkeypatch.setattr(pair.session, "end", ended.append)
    pair.session.meeting = SimpleNamespace(wait=lambda _: None)
    measure(*both, processes=1)
    assert ended == ["torch", "paddle"]


@pytest.mark.parametrize(
    ("half_width", "resolve", "processes", "laps"),
    [(0.01, 5, 3, 3), (0.1, 5, 3, 6), (0.1, None, 3, 3), (0.1, 15, 3, 3), (math.inf, 5, 1, 1)],
)
def test_what_a_gate_would_not_see_is_measured_on_pair_by_pair_and_twice_at_most(
    pair, monkeypatch, half_width, resolve, processes, laps
):
    monkeypatch.setattr(pair, "change", lambda: SimpleNamespace(half_width=lambda: half_width))
    bar = measure(pair, processes=processes, resolve=resolve)
    assert pair.session.prepared == dict.fromkeys(pair.names, laps)
    assert sum(pair.processes) == 6 * laps // processes
    assert bar.done == bar.total == 6  # with a larger total it would go backwards: more has a bar of its own


def test_a_gate_goes_on_until_it_sees(pair, monkeypatch):
    widths = iter([0.1, 0.06, 0.04])
    monkeypatch.setattr(pair, "change", lambda: SimpleNamespace(half_width=lambda: next(widths)))
    measure(pair, resolve=5)
    assert len(pair.processes) == 5


@pytest.mark.parametrize(
    ("known", "minutes", "laps"), [([True], 9, 3), ([False, False, True], 9, 5), ([False] * 9, 0, 3)]
)
def test_precise_goes_on_until_it_is_known_or_time_is_over(pair, monkeypatch, known, minutes, laps):
    answers = iter(known)
    monkeypatch.setattr(pair, "knows", lambda percent: next(answers))
    measure(pair, precise=2, max_minutes=minutes)
    assert len(pair.processes) == laps


def test_knowing_is_a_matter_of_width_alone(pair):
    measure(pair)
    for centre in (0.3, 1.0, 4.0):
        ends = (centre / 1.04, centre * 1.04)
        pair.estimate = lambda ends=ends: SimpleNamespace(interval=ends)
        assert (pair.knows(5), pair.knows(3)) == (True, False)


def test_only_a_processor_has_neighbours_to_allow_for(pair):
    widths = {}
    for device in ("cpu", "gpu"):
        pair.processes, pair.measured, pair._found = [], {}, None
        measure(pair, processes=1)
        for measured in pair.measured.values():
            measured.facts = replace(measured.facts, device=device)
        low, high = pair.estimate().interval
        widths[device] = high / low
        pair.session.prepared = dict.fromkeys(pair.names, 0)
    assert widths == {"cpu": pytest.approx(math.exp(2 * 1.96 * 0.03)), "gpu": 1.0}


def test_a_side_whose_second_process_fails_is_a_row_and_the_other_goes_on(pair):
    pair.session.fails = "paddle"
    measure(pair, rounds=4, processes=2)
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
