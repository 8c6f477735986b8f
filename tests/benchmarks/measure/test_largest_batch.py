"""--largest-batch: a worker for each try, want of memory is an answer, and what cannot be had is said."""

import pytest

from benchmarks import compare, run
from benchmarks.manager.worker_process import WorkerFailure
from benchmarks.measure import largest_batch
from benchmarks.measure.largest_batch import _row, require_searchable
from benchmarks.report.largest_batch import largest_batch_text
from benchmarks.request.case import Case
from benchmarks.request.request import read_request
from common.cli import UnavailableError, UsageError
from tests.support.commands import ended

MIB = 1 << 20
CASE = Case(phase="train", engine="eager", precision="fp32", batch_size=1, threads=1)


class Session:
    """Workers that take 300 MiB and 7 of each image, and fail from ``dies_at`` images on."""

    def __init__(self, *, dies_at=10**6, status="out-of-memory"):
        self.request = self
        self.model, self.dies_at, self.status = "mine", dies_at, status
        self.started = self.ended = self.size = 0

    def prepare(self, name, case):
        self.started, self.size = self.started + 1, case.batch_size
        if self.size >= self.dies_at:
            raise WorkerFailure(name, self.status, "gone")

    def worker(self, name):
        return self

    def ask(self, task, **arguments):
        return (300 + 7 * self.size) * MIB if task == "whole_memory_bytes" else None

    def end(self, name):
        self.ended += 1


def test_each_try_has_a_worker_of_its_own_and_the_neighbour_is_shown():
    session = Session()
    row = _row(session, "torch", CASE, limit=400 * MIB)
    assert (row.status, row.largest_batch, row.next_batch) == ("ok", 14, 15)
    assert (row.peak_memory_bytes, row.next_memory_bytes) == (398 * MIB, 405 * MIB)
    assert session.started == session.ended == len(row.tried)
    text = largest_batch_text([row])
    assert "mine: the largest batch within 400 MiB" in text
    assert " 14 " in text


def test_want_of_memory_is_an_answer_and_a_crash_is_none():
    row = _row(Session(dies_at=5), "paddle", CASE, limit=400 * MIB)
    assert (row.status, row.largest_batch, row.next_batch, row.next_memory_bytes) == ("ok", 4, 5, None)
    row = _row(Session(dies_at=5, status="crashed"), "paddle", CASE, limit=400 * MIB)
    assert (row.status, row.reason, row.largest_batch) == ("crashed", "gone", None)
    assert _row(Session(), "torch", CASE, limit=300 * MIB).largest_batch == 0


def test_what_it_has_no_meaning_for_is_refused(monkeypatch, capsys):
    asked = ["--backend", "torch", "--model", "lenet5", "--largest-batch", "1GiB"]
    for more, flag in (
        (["--processes", "1,2"], "--processes"),
        (["--phase", "startup"], "--phase data and startup"),
        (["--layers"], "--layers"),
        (["--settings", "tuned"], "--settings tuned"),
    ):
        with pytest.raises(UsageError, match=f"leave {flag} out"):
            require_searchable(read_request(run._parse([*asked, *more])))
    monkeypatch.setattr(largest_batch.memory, "available_bytes", lambda: 512 * MIB)
    with pytest.raises(UnavailableError, match=r"a limit of 1 GiB, and 0\.5 are free"):
        require_searchable(read_request(run._parse(asked)))
    code, _, errors = ended(compare.main, [*asked[2:], "--baseline", "x.json"], capsys)
    assert (code, "leave --baseline out" in errors[0]) == (2, True)
    with pytest.raises(SystemExit):
        run._parse([*asked[:-1], "2000"])
    assert "a size with its unit, as in 2GiB" in capsys.readouterr().err
