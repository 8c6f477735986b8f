"""A worker that sends too much: deadlines hold while bytes arrive, lines and logs are read in part."""

import socket
import subprocess
import threading
import time

import pytest

from benchmarks.manager import worker_process
from benchmarks.manager.worker_process import Worker, WorkerFailure, cause_of_death

WRONG_ID = b'{"id": 99999, "result": 0, "idle_cpu_seconds": 0}\n'


class Flooding(Worker):
    """A worker whose process sleeps, while a thread of this one writes in its name."""

    def __init__(self, chunk, **options):
        self._chunk = chunk
        super().__init__("torch", threads=1, **options)

    def _start(self):
        ours, theirs = socket.socketpair()
        process = subprocess.Popen(["sleep", "60"], start_new_session=True)
        threading.Thread(target=self._flood, args=(theirs,), daemon=True).start()
        return process, ours

    def _flood(self, channel):
        with channel:
            try:
                while True:
                    channel.sendall(self._chunk)
                    if len(self._chunk) == 1:
                        time.sleep(0.01)
            except OSError:
                pass


@pytest.mark.parametrize(
    "chunk", [WRONG_ID * 1000, b"x" * 1000, b"x"], ids=["wrong ids", "no end", "a trickle"]
)
def test_a_deadline_holds_while_bytes_arrive(tmp_path, monkeypatch, chunk):
    monkeypatch.setattr(worker_process, "REPLY_BYTES", 1 << 40)
    with Flooding(chunk, scratch=tmp_path, timeout=0.3) as worker, pytest.raises(WorkerFailure) as failure:
        worker.ask("anything")
    assert failure.value.status == "timeout"


def test_a_line_without_an_end_is_no_reply(tmp_path, monkeypatch):
    monkeypatch.setattr(worker_process, "REPLY_BYTES", 1 << 20)
    with (
        Flooding(b"x" * 1000, scratch=tmp_path, timeout=60) as worker,
        pytest.raises(WorkerFailure) as failure,
    ):
        worker.ask("anything")
    assert failure.value.status == "crashed"
    assert "without an end" in failure.value.reason


def test_of_a_log_of_gigabytes_the_end_is_read(tmp_path, monkeypatch):
    log = tmp_path / "torch.log"
    with log.open("wb") as file:
        file.truncate(8 << 30)  # of zeros, which take no room
        file.seek(0, 2)
        file.write(b"\nlast words\n")
    status, reason = cause_of_death(1, log, earlier_memory_kills=0)
    assert status == "crashed"
    assert reason.endswith("its last words: last words")
