"""Whatever ends a command: no worker and no temporary folder is left."""

import fcntl
import os
import signal
import socket
import subprocess
import sys
import time
from pathlib import Path

import psutil
import pytest

from benchmarks.manager import scratch
from benchmarks.manager.scratch import PREFIX, scratch_folder
from tests.support.paths import ROOT
from tests.support.processes import gone


def test_the_scratch_folder_disappears(tmp_path, monkeypatch):
    monkeypatch.setattr("tempfile.tempdir", str(tmp_path))
    with scratch_folder() as folder:
        (folder / "file").write_text("x")
    assert not folder.exists()
    with pytest.raises(KeyboardInterrupt), scratch_folder() as folder:
        raise KeyboardInterrupt
    assert not folder.exists()


def test_a_left_scratch_folder_is_swept_and_one_in_use_is_not(tmp_path, monkeypatch):
    monkeypatch.setattr("tempfile.tempdir", str(tmp_path))
    left = tmp_path / f"{PREFIX}left"
    left.mkdir()
    (left / "owner.lock").touch()
    with scratch_folder() as first:
        assert not left.exists()
        with scratch_folder() as second:
            assert first.exists()
            assert second.exists()
    assert list(tmp_path.iterdir()) == []


@pytest.mark.parametrize("step", ["open", "flock", "rename"])
def test_a_folder_is_never_swept_before_its_lock_is_held(tmp_path, monkeypatch, step):
    """Another process sweeps between any two steps of making one."""
    monkeypatch.setattr("tempfile.tempdir", str(tmp_path))
    real_open, real_flock, real_rename = Path.open, fcntl.flock, Path.rename

    def swept_after(real, name):
        def call(*arguments, **options):
            result = real(*arguments, **options)
            if step == name:
                with monkeypatch.context() as inner:
                    inner.setattr(Path, "open", real_open)
                    inner.setattr(fcntl, "flock", real_flock)
                    scratch._sweep()
            return result

        return call

    monkeypatch.setattr(Path, "open", swept_after(real_open, "open"))
    monkeypatch.setattr(fcntl, "flock", swept_after(real_flock, "flock"))
    monkeypatch.setattr(Path, "rename", swept_after(real_rename, "rename"))
    with scratch_folder() as folder:
        assert folder.exists()


def test_a_folder_that_never_had_a_lock_is_swept_when_it_is_old(tmp_path, monkeypatch):
    monkeypatch.setattr("tempfile.tempdir", str(tmp_path))
    old, fresh = (tmp_path / f"{PREFIX}{name}" for name in ("old", "fresh"))
    for folder, age in ((old, 7200), (fresh, 60)):
        folder.mkdir()
        os.utime(folder, (time.time() - age,) * 2)
    with scratch_folder():
        assert (old.exists(), fresh.exists()) == (False, True)


# A shell's background job ignores Ctrl-C, and what it starts inherits that: a parent of a test heeds it.
PARENT = """
import signal
import socket
import sys
signal.signal(signal.SIGINT, signal.default_int_handler)
from benchmarks.run import main
from common import cli
cli.run(main, program="benchmarks.run")
"""


@pytest.mark.parametrize(
    ("number", "code"), [(signal.SIGINT, 130), (signal.SIGTERM, 143), (signal.SIGKILL, -signal.SIGKILL)]
)
def test_a_parent_that_is_ended_leaves_no_worker_and_no_folder(tmp_path, torch_backend, number, code):
    """In the middle of a measurement of many seconds, while the worker computes."""
    arguments = ["--backend", "torch", "--model", "lenet5", "--min-seconds", "100", "--phase", "infer"]
    parent = subprocess.Popen(
        [sys.executable, "-c", PARENT, *arguments],
        cwd=ROOT,
        env={**os.environ, "TMPDIR": str(tmp_path)},
        stdout=subprocess.DEVNULL,
        stderr=subprocess.PIPE,
        text=True,
    )
    worker = wait_for_busy_child(parent.pid)
    assert list(tmp_path.glob(f"{PREFIX}*"))
    parent.send_signal(number)
    _, errors = parent.communicate(timeout=20)
    assert parent.returncode == code
    assert "Traceback" not in errors
    assert gone(worker)
    assert not list(tmp_path.glob(f"{PREFIX}*"))


def wait_for_busy_child(pid):
    """The worker, once it computes: it has used more processor time than importing takes."""
    deadline = time.monotonic() + 60
    while time.monotonic() < deadline:
        for child in psutil.Process(pid).children():
            if "benchmarks.worker" in child.cmdline() and sum(child.cpu_times()[:2]) > 6:
                return child.pid
        time.sleep(0.1)
    raise AssertionError("no worker appeared")


@pytest.mark.parametrize("how", ["in the middle of a request", "with a reply unread"])
def test_a_worker_ends_however_its_parent_went(tmp_path, torch_backend, how):
    ours, theirs = socket.socketpair()
    command = [sys.executable, "-m", "benchmarks.worker", "--backend", "torch"]
    command += ["--channel", str(theirs.fileno()), "--scratch", str(tmp_path / "scratch")]
    command += ["--tasks", "benchmarks.worker.tasks:Tasks"]
    worker = subprocess.Popen(command, cwd=ROOT, pass_fds=[theirs.fileno()], start_new_session=True)
    theirs.close()
    if how == "in the middle of a request":
        ours.sendall(b'{"id": 1, "task": "vers')
    else:
        ours.sendall(b'{"id": 1, "task": "versions", "arguments": {}}\n')
        assert ours.recv(1)  # and no more of it
    ours.close()
    try:
        assert worker.wait(timeout=30) == -signal.SIGKILL
    finally:
        worker.kill()
