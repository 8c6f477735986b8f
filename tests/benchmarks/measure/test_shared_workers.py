"""One pair of workers proves many models: kept alive from one to the next, replaced after a failure."""

import sys

import pytest

from backends.user_code import forget_modules, model_files, resolve
from benchmarks.manager.worker_process import WorkerFailure
from benchmarks.measure import shared_workers
from benchmarks.measure.shared_workers import SharedWorkers


class Worker:
    def __init__(self):
        self.is_alive, self.asked = True, []

    def ask(self, task, **arguments):
        self.asked.append((task, arguments))


class Session:
    """A session whose workers are of this test."""

    folder = "/of/the/user"

    def __init__(self, request=None, *, scratch=None):
        self.request, self.pair, self.workers, self.versions = self, self, {}, {}

    def start(self, names):
        self.workers = {name: Worker() for name in names}
        self.versions = {name: {"version": "1"} for name in names}

    def worker(self, name):
        return self.workers[name]

    def take(self, workers):
        self.workers = dict(workers)

    def hand_back(self):
        self.workers = {}

    def __enter__(self):
        return self

    def __exit__(self, *_):
        for worker in self.workers.values():
            worker.is_alive = False


@pytest.fixture
def shared(monkeypatch):
    monkeypatch.setattr(shared_workers, "Session", Session)
    with SharedWorkers() as workers:
        yield workers


def test_one_pair_serves_several_sessions_and_forgets_the_models_of_each(shared):
    seen = []
    for _ in range(3):
        session = Session()
        with session, shared.lent_to(session):
            seen.append(session.workers["torch"])
            assert session.versions["paddle"] == {"version": "1"}
        assert session.workers == {}  # whose end does not end them
    assert shared.starts == 1
    assert seen[0] is seen[1] is seen[2]
    assert seen[0].asked == [("forget_modules", {"folder": "/of/the/user"})] * 3
    assert seen[0].is_alive


def test_a_failure_ends_them_and_the_next_one_gets_new_ones(shared):
    def fail(session):
        with session, shared.lent_to(session):
            raise WorkerFailure("torch", "crashed", "gone")

    with pytest.raises(WorkerFailure):
        fail(Session())
    session = Session()
    with shared.lent_to(session):
        assert all(worker.is_alive for worker in session.workers.values())
    assert shared.starts == 2


def test_modules_of_the_folder_are_forgotten_and_opened_anew(tmp_path):
    """Else the files of one model would be recorded as another's."""
    (tmp_path / "mine_shared_a.py").write_text("def net():\n    return 1\n")
    (tmp_path / "mine_shared_b.py").write_text("def net():\n    return 2\n")
    assert resolve("mine_shared_a:net", folder=str(tmp_path))() == 1
    forget_modules(str(tmp_path))
    assert resolve("mine_shared_b:net", folder=str(tmp_path))() == 2
    files = model_files("mine_shared_b:net", folder=str(tmp_path))
    assert [path.rpartition("/")[2] for path in files] == ["mine_shared_b.py"]
    assert {"pytest", "backends.user_code"} <= set(sys.modules)
