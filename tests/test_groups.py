"""Groups of real processes: measured as one, ended as one; the process to blame is named."""

import json
from statistics import median

import pytest

from benchmarks import compare, group_session, run
from benchmarks.group import Group
from benchmarks.group_session import GroupSession
from benchmarks.processes import WorkerFailure
from tests.commands import QUICK, ended
from tests.processes import gone

ARGUMENTS = ["--model", "lenet5", "--device", "cpu", "--batch-size", "2", *QUICK]


def failing(monkeypatch, tmp_path, capsys, tasks, *flags, backend="torch", phase="train"):
    """The row of a group in which something is planted, and the processes that it had."""
    pids = []

    class Planted(GroupSession):
        def __init__(self, request, **where):
            super().__init__(request, **where | {"tasks": f"tests.faulty_groups:{tasks}"})

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


def test_a_process_that_hangs_ends_the_group_in_time(monkeypatch, tmp_path, capsys, torch_backend):
    monkeypatch.setattr(group_session.GroupSession, "_step", with_patience(group_session.GroupSession._step))
    row = failing(monkeypatch, tmp_path, capsys, "HangingTasks")
    assert row["status"] == "timeout"
    assert row["reason"].startswith("of 2 processes, 0, 1 did not answer in time")


def with_patience(step):
    """The same with a second for each request: starting takes longer than that."""

    def hurried(self, name, steps):
        self._groups[name]._timeout = 1.0
        return step(self, name, steps)

    return hurried


@pytest.mark.parametrize(
    ("tasks", "reason"),
    [("LonelyTasks", "does not average their gradients"), ("ChattyTasks", "that should send nothing")],
)
def test_what_does_not_learn_as_one_is_not_timed(monkeypatch, tmp_path, capsys, tasks, reason, torch_backend):
    row = failing(monkeypatch, tmp_path, capsys, tasks)
    assert row["status"] == "unsupported"
    assert reason in row["reason"]


def test_one_and_two_processes_of_both_are_compared(tmp_path, capsys, torch_backend, paddle_backend):
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


def test_the_first_to_be_heard_of_is_not_always_to_blame():
    """A process whose neighbour has died complains before the death is seen."""
    failures = {
        0: WorkerFailure("torch", "crashed", "RuntimeError: connection closed by peer"),
        1: WorkerFailure("torch", "crashed", "the worker was killed by SIGKILL", died=True),
    }
    group = Group("torch", size=0, start=lambda: None, timeout=1.0)
    group.workers = [None, None]
    assert group._blamed(failures, silent=[0, 1]).reason.startswith("process 1 of 2: the worker was killed")
