"""--beside: Python work in the worker's own process, in every block that asks for it and in no other."""

import threading
import time

import pytest

from backends.open_model import ModelSpec
from benchmarks import run
from benchmarks.request.case import Case
from benchmarks.request.job import JobSpec
from benchmarks.request.request import read_request
from benchmarks.worker.neighbours import neighbours
from tests.support.commands import QUICK, ended

CASE = {"phase": "infer", "engine": "eager", "precision": "fp32", "batch_size": 8, "threads": 1}
MODEL = {"precision": "fp32", "device": "cpu", "name": "lenet5", "num_classes": 10}


def test_neighbours_work_meanwhile_and_no_longer():
    before = threading.active_count()
    with neighbours(2):
        assert threading.active_count() == before + 2
        used = time.process_time()
        time.sleep(0.3)
        assert time.process_time() - used > 0.02  # whoever asks for none uses nothing in his sleep
    assert threading.active_count() == before
    with neighbours(0):
        assert threading.active_count() == before
    with pytest.raises(ZeroDivisionError), neighbours(1):
        raise ZeroDivisionError
    assert threading.active_count() == before


def test_a_row_says_what_worked_beside_it(local, capsys, tmp_path):
    target = tmp_path / "result.json"
    asked = ["--backend", "torch", "--model", "lenet5", "--device", "cpu", "--phase", "infer", *QUICK]
    code, out, _ = ended(run.main, [*asked, "--beside", "0,2", "--json", str(target)], capsys)
    assert code == 0
    assert "8 beside 2" in out
    cases = read_request(run._parse([*asked, "--beside", "0,2"])).cases
    assert [case.beside for case in cases] == [0, 2]
    assert [str(case) for case in cases] == ["infer eager fp32 batch 8", "infer eager fp32 batch 8 beside 2"]


def test_an_earlier_versions_worker_reads_a_job_that_asks_for_nothing_newer():
    """Of --against: its classes know these fields, and refuse any other."""
    job = JobSpec(case=Case(**CASE), model=ModelSpec(**MODEL), equalise=True).to_json()
    assert set(job) == {"case", "model", "equalise", "weights", "artefacts", "inputs", "images"}
    assert set(job["case"]) == {*CASE, "layout", "processes"}
    assert set(job["model"]) == {*MODEL, "channels", "options", "source", "folder"}
    newer = JobSpec(
        case=Case(**CASE, beside=1), model=ModelSpec(**MODEL), equalise=True, servers=2, sides=(8,)
    )
    assert JobSpec.from_json(newer.to_json()) == newer
    assert {"servers", "sides"} < set(newer.to_json())
