"""Phase soak in the parent: turns over the same steps, what is kept, and who ends early."""

from types import SimpleNamespace

import pytest

from benchmarks.manager.worker_process import WorkerFailure
from benchmarks.measure.soaking import Soaking
from benchmarks.request.case import Case
from benchmarks.request.job import JobFacts
from benchmarks.request.service import SoakPlan
from benchmarks.results.samples import Measured
from common.runtime.settings import Settings
from tests.benchmarks.measure.test_alternation import Bar
from tests.support.machines import explaining

CASE = Case(phase="soak", engine="eager", precision="fp32", batch_size=4, threads=1)
PLAN = SoakPlan(shapes=(32,), steps=1000)
REQUEST = {
    "settings_mode": "equalised", "seed": 5, "soak": PLAN, "serve": None, "model": "lenet5",
    "num_classes": 10,
    "input_shape": (3, 32, 32), "loader": "common", "device": "cpu", "warmup": 0, "price_per_hour": None,
}  # fmt: skip


class Session:
    """Sides that grow by their ``leaks`` a step, in MiB; one may die at a step, or stop."""

    def __init__(self, *, leaks=(0.0, 0.0), dies=None, stops=None):
        self.places = {name: SimpleNamespace(backend=name) for name in ("torch", "paddle")}
        self.request = SimpleNamespace(**REQUEST)
        self.leaks, self.dies, self.stops = dict(zip(self.places, leaks, strict=True)), dies, stops
        self.asked = {name: [] for name in self.places}

    def prepare(self, name, case, *, known=None):
        return Measured(facts=JobFacts(settings=Settings(threads=1), device="cpu"))

    def warm_up(self, name, steps):
        pass

    def end(self, name):
        pass

    def worker(self, name):
        return SimpleNamespace(ask=lambda task, **asked: self.soak(name, **asked))

    def soak(self, name, *, first, steps, every, seed, limit):
        self.asked[name].append((first, steps, seed))
        if self.dies == (name, first):
            raise WorkerFailure(name, "out-of-memory", "the system killed it")
        memory = [
            100 + self.leaks[name] * number for number in range(first + every, first + steps + 1, every)
        ]
        stopped = "after so many steps" if self.stops == (name, first) else None
        return {"resident_mib": memory, "seconds": [0.01] * steps, "images": 2 * steps, "stopped": stopped}


def soak(**planted):
    session = Session(**planted)
    turns = Soaking(session, CASE, explainer=explaining())
    bar = Bar()
    for lap in range(2):
        turns.take_turns(3, blocks=1, bar=bar, anew=lap > 0)
    assert bar.done == 6
    return session, turns, {row.backend: row for row in turns.rows()}


def test_both_do_the_same_steps_once_whatever_the_pairs_of_processes():
    session, turns, rows = soak(leaks=(0.5, 0.0))
    assert session.asked["torch"] == session.asked["paddle"] == [(100 * i, 100, 5) for i in range(10)]
    assert [rows[name].memory_growth.verdict for name in rows] == ["grows", "steady"]
    assert rows["torch"].memory_growth.mib_per_100_steps == pytest.approx(50)
    assert rows["torch"].images_per_second == pytest.approx(200)  # 2 images in 10 ms
    assert (turns.effort().pairs, turns.effort().rounds) == (2, 5)


def test_a_side_that_dies_keeps_its_memory_until_then():
    _, _, rows = soak(leaks=(0.5, 0.0), dies=("torch", 600))
    lost = rows["torch"]
    assert (lost.status, lost.memory_growth.steps, lost.memory_growth.verdict) == (
        "out-of-memory",
        600,
        "grows",
    )
    assert lost.memory_growth.stopped == "after 600 steps: the system killed it"
    assert (rows["paddle"].status, rows["paddle"].memory_growth.steps) == ("ok", 1000)


def test_a_side_that_stops_is_left_and_the_other_goes_on():
    session, _, rows = soak(stops=("paddle", 300))
    assert rows["paddle"].memory_growth.stopped == "after so many steps"
    assert (len(session.asked["paddle"]), len(session.asked["torch"])) == (4, 10)


def test_what_is_there_is_written_while_it_runs(monkeypatch):
    monkeypatch.setattr("benchmarks.measure.soaking.KEEPING_SECONDS", -1.0)
    turns, seen = (
        Soaking(Session(), CASE, explainer=explaining()),
        [],
    )
    turns.keep = lambda: seen.append((turns.is_begun, turns.effort().pairs, len(turns.rows())))
    turns.take_turns(3, blocks=1, bar=Bar())
    assert seen[0] == (True, 0, 2)  # begun, and no pair of processes complete
