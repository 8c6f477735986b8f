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

PARTS = {"import": 2.0, "build": 0.3, "load": 0.1, "first_batch": 0.05}


class Starting(Session):
    """Sides that answer at once, each start a little later than the last; ``lost`` answers never."""

    def __init__(self, lost=None):
        super().__init__()
        self.started, self.lost = [], lost
        self.meeting = SimpleNamespace(wait=lambda _: None)

    def cold_start(self, name, case, *, device):
        assert device == "cpu"
        self.started.append((name, case.engine, case.batch_size))
        if name == self.lost:
            raise WorkerFailure(name, "crashed", "it was planted")
        return PARTS | {"import": 2.0 + len(self.started)}


def cases(*engines, phase="infer", sizes=(8, 1)):
    whole = {"phase": phase, "precision": "fp32", "threads": 2}
    return [Case(engine=engine, batch_size=size, **whole) for engine in engines for size in sizes]


def measured(session, every, *, pairs=6, cold_starts=True):
    turns = [
        Interleaving(session, case, explainer=SimpleNamespace(explain=lambda *_: None)) for case in every
    ]
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
    assert [name for name, _, _ in session.started] == ["torch", "paddle"] * 4  # one after the other


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
    assert len(turns.measured["paddle"].blocks) == 24


def test_a_row_has_the_median_of_each_part_and_every_whole():
    starts = [PARTS | {"import": seconds} for seconds in (4.0, 2.0, 3.0)]
    found = cold_start(starts)
    assert (found.starts, found.import_seconds, found.build_seconds) == (3, 3.0, 0.3)
    assert found.totals == pytest.approx([4.45, 2.45, 3.45]) and found.total_seconds == median(found.totals)
    assert cold_start([]) is None
