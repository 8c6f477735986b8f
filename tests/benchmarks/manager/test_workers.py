"""Workers crash, hang, babble and run out of memory; the parent says what happened and leaves nothing."""

import subprocess
import sys
import time
from pathlib import Path

import numpy as np
import pytest

from backends.open_model import ModelSpec
from benchmarks.manager.installations import THREAD_VARIABLES, worker_environment
from benchmarks.manager.worker_process import Worker, WorkerFailure
from benchmarks.request.case import Case
from benchmarks.request.job import JobSpec
from common.cli import UsageError
from common.weights import safetensors_file
from tests.support.processes import gone

FAULTY = "tests.support.faulty_tasks:FaultyTasks"


@pytest.fixture
def start(tmp_path, torch_backend):
    """Start a worker that can go wrong; all are ended with the test."""
    workers = []

    def begin(backend="torch", **options):
        settings = {"threads": 2, "scratch": tmp_path, "timeout": 60, "tasks": FAULTY} | options
        workers.append(Worker(backend, **settings))
        return workers[-1]

    yield begin
    for worker in workers:
        worker.close()


def failure_of(worker, task, **arguments):
    with pytest.raises(WorkerFailure) as failure:
        worker.ask(task, **arguments)
    return failure.value


def test_what_a_killed_worker_leaves_lies_in_the_folder_that_goes(start, tmp_path):
    """torch unpacks each compiled model into a temporary folder: gigabytes after a few comparisons."""
    left = Path(start().ask("leave_files"))
    assert left.is_dir() and left.parent == tmp_path


def test_a_worker_answers_one_thing_after_the_other_whatever_it_prints(start, tmp_path):
    batch = {"images": np.zeros((1, 3, 32, 32), np.float32), "labels": np.zeros(1, np.int64)}
    safetensors_file.save(tmp_path / "batch", batch)
    worker = start()
    assert worker.ask("answer") == 42
    assert worker.ask("chatter") == 42
    failure = failure_of(worker, "fail")
    assert (failure.status, failure.reason) == ("crashed", "ValueError: something is wrong here")
    assert failure_of(worker, "no_such_task").status == "crashed"
    assert worker.ask("answer") == 42  # an exception does not end it
    with pytest.raises(UsageError, match="no such file"):
        worker.ask(
            "prepare",
            spec=JobSpec(
                case=Case(phase="infer", engine="eager", precision="fp64", batch_size=1, threads=1),
                model=ModelSpec(name="lenet5", num_classes=10, precision="fp64", device="cpu"),
                equalise=True,
                weights="/no/weights",
                inputs=str(tmp_path / "batch"),
            ).to_json(),
        )


@pytest.mark.parametrize(
    ("task", "arguments", "reason"),
    [
        (
            "crash",
            {},
            "the worker was killed by SIGSEGV; its last words: Fatal Python error: Segmentation fault",
        ),
        ("leave", {"code": 7}, "the worker ended with exit code 7"),
        ("kill", {"signal_name": "SIGKILL"}, "the worker was killed by SIGKILL"),
        ("babble", {}, "the worker sent no JSON: b'this is no JSON'"),
    ],
)
def test_a_dead_or_mad_worker_is_a_crash_with_its_reason(start, task, arguments, reason):
    worker = start()
    failure = failure_of(worker, task, **arguments)
    assert failure.status == "crashed"
    assert failure.reason.startswith(reason)
    assert gone(worker.pid)
    assert failure_of(worker, "answer").status == "crashed"  # and stays dead


def test_a_hanging_worker_is_ended_with_its_children(start):
    worker = start()
    child = worker.ask("start_child")
    begin = time.monotonic()
    failure = failure_of(worker, "hang", timeout=1)
    assert failure.status == "timeout"
    assert time.monotonic() - begin < 10
    assert gone(worker.pid)
    assert gone(child)


@pytest.mark.parametrize("backend_name", ["torch", "paddle"])
def test_running_out_of_memory_is_reported_and_survived(start, backend_name, paddle_backend):
    worker = start(backend_name)
    assert failure_of(worker, "grab_memory").status == "out-of-memory"
    assert worker.ask("answer") == 42


def test_an_abort_for_want_of_memory_is_reported_from_a_crash(start, paddle_backend):
    failure = failure_of(start("paddle"), "abort_for_memory")
    assert failure.status == "out-of-memory"
    assert "Unable to allocate 20.0 GiB" in failure.reason


def test_being_killed_for_want_of_memory_is_reported_from_a_crash(start, monkeypatch):
    counts = iter((5, 6))  # when the worker is started, and when it has died
    monkeypatch.setattr("benchmarks.manager.worker_process.memory_kills", lambda: next(counts))
    assert failure_of(start(), "kill", signal_name="SIGKILL").status == "out-of-memory"


def test_a_worker_answers_only_when_it_rests(start):
    """And what it uses while nothing is asked of it is told: the check on the other sees both."""
    worker = start()
    worker.ask("spin", seconds=0.5)
    worker.ask("answer")
    assert worker.idle_cpu_seconds < 0.1
    worker.ask("spin", seconds=2.5)  # longer than a worker is waited for
    time.sleep(1)
    worker.ask("answer")
    assert (
        worker.idle_cpu_seconds > 0.2
    )  # on a busy machine too: a spinning thread gets its share of a second


def test_threads_are_set_before_the_first_import_and_nothing_else_steers(start, monkeypatch):
    monkeypatch.setenv("KMP_BLOCKTIME", "0")
    monkeypatch.setenv("FLAGS_use_mkldnn", "1")
    monkeypatch.setenv("OMP_NUM_THREADS", "7")
    monkeypatch.setenv("MY_OWN", "kept")
    environment = start(threads=1).ask("environment")
    assert {environment[name] for name in THREAD_VARIABLES} == {"1"}
    assert environment["MY_OWN"] == "kept"
    assert not {"KMP_BLOCKTIME", "FLAGS_use_mkldnn"} & environment.keys()


def test_our_packages_are_not_given_to_another_interpreter():
    outer = {"PYTHONPATH": "/ours", "PYTHONHOME": "/ours"}
    assert "PYTHONPATH" in worker_environment(outer, threads=1, elsewhere=False)
    assert "PYTHONPATH" not in worker_environment(outer, threads=1, elsewhere=True)
    assert "PYTHONHOME" not in worker_environment(outer, threads=1, elsewhere=False)


def test_an_interpreter_that_is_not_there(start, monkeypatch):
    monkeypatch.setenv("TORCH_PYTHON", "/no/such/python")
    with pytest.raises(WorkerFailure) as failure:
        start()
    assert failure.value.status == "unsupported"
    assert "/no/such/python" in failure.value.reason
    assert "TORCH_PYTHON" in failure.value.reason


def test_an_interpreter_that_lacks_packages_is_reported_which(start, monkeypatch, tmp_path):
    subprocess.run([sys.executable, "-m", "venv", "--without-pip", tmp_path / "bare"], check=True)
    python = str(tmp_path / "bare" / "bin" / "python")
    monkeypatch.setenv("TORCH_PYTHON", python)
    monkeypatch.delenv("PYTHONPATH", raising=False)
    failure = failure_of(start(), "versions")
    assert failure.status == "unsupported"
    assert failure.reason.endswith(f"install with: {python} -m pip install numpy pillow safetensors torch")


def test_a_framework_that_is_too_old_is_refused():
    from benchmarks.worker.__main__ import Refused, require_version

    for name, version in (
        ("torch", "2.14.1+cu130"),
        ("torch", "2.4"),
        ("paddle", "2.6.2"),
        ("paddle", "3.0.0"),
    ):
        require_version(name, version)
    for name, version in (("torch", "2.3.1"), ("torch", "1.13"), ("paddle", "2.6.1"), ("paddle", "2.5.2")):
        with pytest.raises(Refused, match="pip install"):
            require_version(name, version)
