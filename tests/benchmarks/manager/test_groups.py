"""Groups of processes: measured as one, ended as one; the process to blame is named."""

import json
import socket
from statistics import median

import pytest

from benchmarks import compare, run
from benchmarks.manager import group_session, worker_group
from benchmarks.manager.group_session import GroupSession
from benchmarks.manager.worker_group import WorkerGroup
from benchmarks.manager.worker_process import WorkerFailure
from common.cli import UsageError
from tests.support.commands import QUICK, ended
from tests.support.processes import gone

ARGUMENTS = ["--model", "lenet5", "--device", "cpu", "--batch-size", "2", *QUICK]


def failing(monkeypatch, tmp_path, capsys, tasks, *flags, backend="torch", phase="train"):
    """The row of a group in which something is planted, and the processes that it had."""
    pids = []

    class Planted(GroupSession):
        def __init__(self, request, **where):
            super().__init__(request, **where | {"tasks": f"tests.support.faulty_groups:{tasks}"})

        def _new_worker(self, name):
            worker = super()._new_worker(name)
            pids.append(worker.pid)
            return worker

    monkeypatch.setattr(group_session, "GroupSession", Planted)
    target = tmp_path / "result.json"
    asked = ["--backend", backend, "--phase", phase, "--processes", "2", *flags, "--json", str(target)]
    code, _, errors = ended(run.main, [*ARGUMENTS, *asked], capsys)
    assert (code, len(errors)) == (3, 1), errors
    (row,) = json.loads(target.read_text())["results"]
    assert (row["processes"], row["images_per_second"], row["step_seconds"]) == (2, None, [])
    assert all(gone(pid) for pid in pids)
    assert len(pids) == 2
    return row


@pytest.mark.parametrize("backend", ["torch", "paddle"])
def test_a_process_that_dies_is_the_one_to_blame(
    monkeypatch, tmp_path, capsys, backend, torch_backend, paddle_backend
):
    row = failing(monkeypatch, tmp_path, capsys, "DyingTasks", backend=backend)
    assert row["status"] == "crashed"
    assert row["reason"].startswith("process 1 of 2: the worker was killed by SIGKILL")


class Channel:
    """A worker's place in a group, whose other end the test holds."""

    def __init__(self, ended):
        self._own, self.far = socket.socketpair()
        self._ended, self.idle_cpu_seconds = ended, 0.0

    def fileno(self):
        return self._own.fileno()

    def send(self, task, **arguments):
        try:
            self._own.sendall(task.encode())
        except OSError:
            raise WorkerFailure("torch", "crashed", "it has died", died=True) from None

    def receive(self):
        text = self._own.recv(100)
        if not text:
            raise WorkerFailure("torch", "crashed", "it has died", died=True)
        if text.startswith(b"no"):
            raise WorkerFailure("torch", "crashed", text.decode())
        return text.decode()

    def close(self):
        self._ended.append(self)


@pytest.fixture
def three(monkeypatch):
    """A group of three; returns it, the far ends of its channels, and those that were ended."""
    monkeypatch.setattr(worker_group, "SETTLING_SECONDS", 0.1)
    ended = []
    group = WorkerGroup("torch", size=3, start=lambda: Channel(ended), timeout=0.2)
    return group, [worker.far for worker in group.workers], ended


def test_a_group_answers_by_rank_whoever_is_first(three):
    group, far, ended = three
    for rank in (2, 0, 1):
        far[rank].sendall(str(rank).encode())
    assert group.ask("count") == ["0", "1", "2"]
    assert [end.recv(100) for end in far] == [b"count"] * 3
    assert ended == []


def test_who_hangs_is_named_and_all_are_ended(three):
    group, far, ended = three
    far[1].sendall(b"here")
    with pytest.raises(WorkerFailure) as failure:
        group.ask("step")
    assert (failure.value.status, len(ended)) == ("timeout", 3)
    assert failure.value.reason.startswith("of 3 processes, 0, 2 did not answer in time")


@pytest.mark.parametrize("last", ["dies", "complains"])
def test_who_died_is_to_blame_rather_than_who_was_left_waiting(three, last):
    """A process whose neighbour has died may complain before that death is seen; another waits for ever."""
    group, far, ended = three
    far[0].sendall(b"no connection to 2")
    if last == "dies":
        far[2].close()
    with pytest.raises(WorkerFailure) as failure:
        group.ask("step")
    named = {"dies": "process 2 of 3: it has died", "complains": "process 0 of 3: no connection to 2"}
    assert (failure.value.reason, len(ended)) == (named[last], 3)


def test_a_wrong_request_ends_the_group_too(three, monkeypatch):
    group, far, ended = three
    far[0].sendall(b"anything")

    def refuse(self):
        raise UsageError("there is no such thing")

    monkeypatch.setattr(Channel, "receive", refuse)
    with pytest.raises(UsageError):
        group.ask("step")
    assert len(ended) == 3


def test_one_and_two_processes_of_both_are_compared(
    monkeypatch, tmp_path, capsys, torch_backend, paddle_backend
):
    monkeypatch.setattr("benchmarks.measure.interleave.BLOCK_SECONDS", 0)
    monkeypatch.setattr("benchmarks.analysis.disturbance.is_disturbed", lambda *_, **__: False)
    target = tmp_path / "result.json"
    asked = ["--processes", "1,2", "--rounds", "4", "--pairs", "1", "--skip-parity", "--json", str(target)]
    code, out, errors = ended(compare.main, [*ARGUMENTS, "--phase", "train", *asked], capsys)
    assert (code, errors) == (0, [])
    report = json.loads(target.read_text())
    rows = report["results"]
    assert [(row["backend"], row["processes"]) for row in rows] == [
        ("torch", 1),
        ("paddle", 1),
        ("torch", 2),
        ("paddle", 2),
    ]
    assert len({row["threads"] for row in rows} | {row["settings"]["threads"] for row in rows}) == 1
    for row in rows:
        speed = row["batch_size"] * row["processes"] / median(row["step_seconds"])
        assert row["images_per_second"] == pytest.approx(speed)
        alone = next(one for one in rows if (one["backend"], one["processes"]) == (row["backend"], 1))
        efficiency = row["images_per_second"] / alone["images_per_second"] / row["processes"]
        assert row["scaling_efficiency"] == pytest.approx(efficiency)
        sent = len(row["unsynchronised_step_seconds"])
        assert sent == (0 if row["processes"] == 1 else len(row["step_seconds"]))
        assert (row["communicating_fraction"] is None) == (row["processes"] == 1)
    assert [row["processes"] for row in report["comparisons"]] == [1, 2]
    assert [row["processes"] for row in report["scaling"]] == [2]
    assert "efficiency of paddle / torch" in out


@pytest.mark.parametrize(
    ("flags", "reason"),
    [
        (["--phase", "startup"], "phase startup is measured in one process"),
        (
            ["--phase", "train", "--engine", "compiled"],
            "in several processes is measured with eager",
        ),
    ],
)
def test_what_is_measured_in_one_process_only_is_a_row(tmp_path, capsys, flags, reason, torch_backend):
    target = tmp_path / "result.json"
    asked = ["--backend", "torch", "--processes", "2", "--json", str(target), *flags]
    code, _, errors = ended(run.main, [*ARGUMENTS, *asked], capsys)
    assert (code, len(errors)) == (3, 1), errors
    (row,) = json.loads(target.read_text())["results"]
    assert (row["status"], row["processes"]) == ("unsupported", 2)
    assert reason in row["reason"]
