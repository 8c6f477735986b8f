"""New processes on the way to a comparison: which, when, and what is lost if one does not answer."""

from statistics import median
from types import SimpleNamespace

import pytest

from benchmarks.manager.worker_process import WorkerFailure
from benchmarks.measure.interleave import Interleaving
from benchmarks.measure.laps import Plan, go_round
from benchmarks.measure.rows import cold_start
from benchmarks.request.case import Case
from tests.benchmarks.measure.test_alternation import Bar, Session
from tests.support.machines import explaining

PARTS = {"import": 2.0, "build": 0.3, "load": 0.1, "first_batch": 0.05}


class Starting(Session):
    """Sides that answer at once, each start a little later than the last; ``lost`` answers never.

    ``alive`` has the process of each side, by number.
    """

    def __init__(self, lost=None, lacking=None):
        super().__init__()
        self.started, self.lost, self.lacking = [], lost, lacking
        self.meeting = SimpleNamespace(wait=lambda _: None)
        self.alive, self.begun, self.measured_in = {}, 0, []

    def _worker(self, name):
        if name not in self.alive:
            self.begun += 1
            self.alive[name] = self.begun
        return self.alive[name]

    def end(self, name):
        super().end(name)
        self.alive.pop(name, None)

    def prepare(self, name, case, *, known=None):
        self._worker(name)
        if (name, case.engine) == self.lacking:
            raise WorkerFailure(name, "unsupported", "it was planted", details={})
        return super().prepare(name, case, known=known)

    def measure(self, name, measured, **more):
        self.measured_in.append((name, self._worker(name)))
        return super().measure(name, measured, **more)

    def cold_start(self, name, case, *, device):
        assert device == "cpu" and name not in self.alive
        self._worker(name)
        self.started.append((name, case.engine, case.batch_size))
        if name == self.lost:
            raise WorkerFailure(name, "crashed", "it was planted")
        return PARTS | {"import": 2.0 + len(self.started)}


def cases(*engines, phase="infer", sizes=(8, 1)):
    whole = {"phase": phase, "precision": "fp32", "threads": 2}
    return [Case(engine=engine, batch_size=size, **whole) for engine in engines for size in sizes]


def measured(session, every, *, pairs=6, cold_starts=True):
    turns = [Interleaving(session, case, explainer=explaining()) for case in every]
    go_round(turns, Plan(rounds=2 * pairs, pairs=pairs, cold_starts=cold_starts), bar=Bar())
    return turns


@pytest.fixture(autouse=True)
def equal_settings(monkeypatch):
    monkeypatch.setattr("benchmarks.measure.interleave.unequal_settings", lambda *_, **__: None)
    monkeypatch.setattr("benchmarks.measure.interleave.compared_settings", lambda *_: ())


def test_each_engine_is_started_in_turn_at_its_smallest_batch_between_the_first_and_the_last_lap():
    session = Starting()
    measured(session, [*cases("eager", "deploy"), *cases("eager", phase="train")])
    engines = [(engine, size) for name, engine, size in session.started if name == "torch"]
    assert engines == [("eager", 1), ("deploy", 1)] * 2
    first = ["torch", "paddle"] + ["paddle", "torch"] * 2 + ["torch", "paddle"]
    assert [name for name, _, _ in session.started] == first  # one after the other, and in turns


@pytest.mark.parametrize("lacking", [("paddle", "deploy"), None])
def test_every_lap_has_new_processes_whoever_starts_cold(lacking):
    """Else what processes differ by would be counted less often than it says."""
    session = Starting(lost="torch", lacking=lacking)
    turns = measured(session, cases("eager", "deploy", sizes=(8,)))
    assert [list(each.failures) for each in turns] == [[], ["paddle"] if lacking else []]
    for name in ("torch", "paddle"):
        processes = dict.fromkeys(number for side, number in session.measured_in if side == name)
        assert len(processes) >= 6  # of six laps, the last of which has one for each combination
    engines = {engine for _, engine, _ in session.started}
    assert engines == ({"eager"} if lacking else {"eager", "deploy"})


def test_what_this_session_has_not_prepared_is_not_started():
    """After a stop, nothing is compiled yet."""
    session = Starting()
    (case,) = cases("deploy", sizes=(8,))
    turns = Interleaving(session, case, explainer=explaining())
    turns.measured = {name: session.prepare(name, case) for name in turns.names}
    turns.processes = [2, 2]
    go_round([turns], Plan(rounds=12, pairs=6, cold_starts=True), bar=Bar())
    assert len(session.started) == 2 * 2  # laps four and five; the third prepared


def test_neutral_engines_and_groups_are_not_started():
    session = Starting()
    measured(session, cases("onnxruntime"))
    assert session.started == []
    session.request.grouped = True
    measured(session, cases("eager"))
    assert session.started == []


@pytest.mark.parametrize("more", [{"pairs": 2}, {"pairs": 1}, {"cold_starts": False}])
def test_few_laps_and_other_commands_start_nothing_cold(more):
    session = Starting()
    measured(session, cases("eager"), **more)
    assert session.started == []


def test_training_alone_has_no_first_answer():
    session = Starting()
    measured(session, cases("eager", phase="train"))
    assert session.started == []


def test_a_start_without_an_answer_loses_nothing_that_was_measured():
    session = Starting(lost="paddle")
    (turns,) = measured(session, cases("eager", sizes=(8,)))
    assert turns.failures == {} and session.ended["paddle"].is_set()
    assert len(turns.measured["torch"].starts) == 4 and turns.measured["paddle"].starts == []
    assert turns.measured["paddle"].start_reason == "it was planted"
    assert len(turns.measured["paddle"].blocks) == 24


def test_a_row_has_the_median_of_each_part_and_every_whole():
    starts = [PARTS | {"import": seconds} for seconds in (4.0, 2.0, 3.0)]
    found = cold_start(starts)
    assert (found.starts, found.import_seconds, found.build_seconds) == (3, 3.0, 0.3)
    assert found.totals == pytest.approx([4.45, 2.45, 3.45]) and found.total_seconds == median(found.totals)
    assert cold_start([]) is None
