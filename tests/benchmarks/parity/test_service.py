"""Comparisons for pytest's plugin: which workers they have, and what becomes of each stage."""

from contextlib import contextmanager

import pytest

from benchmarks.manager.worker_process import WorkerFailure
from benchmarks.parity.outcome import outcome
from benchmarks.parity.service import Service
from common.cli import UsageError

PAIR = '[{name}]\ntorch = "mine:net"\npaddle = "mine:net"\ninput_shape = [3, 8, 8]\nnum_classes = 5\n'
TENSOR = {
    "name": "fc",
    "relative_l2": 1e-15,
    "tolerance": 1e-12,
    "verdict": "pass",
    "note": None,
    "noise": None,
}
DEPARTED = {
    "stage": "forward",
    "name": "logits",
    "layer": "fc",
    "relative_l2": 0.5,
    "path": "fc departs",
    "note": None,
    "likely_causes": [],
    "lines": {"paddle": [{"layer": "fc", "place": "/mine.py:3", "code": "nn.Linear(3, 4)"}]},
}


def stage(name="forward", **facts):
    found = {"stage": name, "verdict": "pass", "dtype": "float64", "tolerance": 1e-12, "tensors": [TENSOR]}
    return found | {"error": None, "divergence": None} | facts


def report(*stages, verdict="pass"):
    return {"verdict": verdict, "stages": list(stages), "known_differences": [], "first_divergence": None}


def lost(backend):
    return {"backend": backend, "reason": f"not run: {backend} is gone", "lost": True}


class Side:
    def __init__(self, failure=None):
        self.failure = failure

    def ask(self, task):
        assert task == "versions"
        if self.failure:
            raise self.failure


@pytest.fixture
def service(monkeypatch, tmp_path):
    """A service whose workers and comparisons are made up, and what was started and compared."""
    for place in ("here", "there"):
        (tmp_path / place).mkdir()
        (tmp_path / place / "mine.py").write_text("def net(): ...\n")
        (tmp_path / place / "pairs.toml").write_text(PAIR.format(name="a") + PAIR.format(name="b"))
    started, answers, failures = [], [], {}

    @contextmanager
    def both_sides(scratch, *, timeout):
        started.append(scratch)
        yield Side(failures.get("torch")), Side(failures.get("paddle"))

    def run_parity(*sides, subject, **_):
        answer = answers.pop(0) if answers else report(stage())
        if isinstance(answer, Exception):
            raise answer
        return answer

    monkeypatch.setattr("benchmarks.parity.check.both_sides", both_sides)
    monkeypatch.setattr("benchmarks.parity.comparison.run_parity", run_parity)
    with Service() as served:
        served.started, served.answers, served.failures = started, answers, failures
        served.files = [str(tmp_path / place / "pairs.toml") for place in ("here", "there")]
        yield served


def compared(service, pair="a", *, file=0):
    return service.compare(service.files[file], pair, ["forward"])


def test_one_pair_of_workers_serves_a_file(service):
    assert service.read(service.files[0], ["loss"]) == {"pairs": ["a", "b"], "stages": ["loss"]}
    assert "bfloat16" not in service.read(service.files[0], [])["stages"]
    assert service.started == []
    for pair in ("a", "b"):
        assert compared(service, pair)["stages"]["forward"]["outcome"] == "passed"
    assert len(service.started) == 1
    with pytest.raises(UsageError, match="no stage 'forwards'"):
        service.read(service.files[0], ["forwards"])


def test_another_folder_has_workers_of_its_own(service):
    """Its modules may have the names of the first one's, and a process has one module for a name."""
    for file in (0, 1, 1, 0):
        compared(service, file=file)
    assert len(service.started) == 3


def test_a_lost_worker_is_replaced_and_a_stage_that_was_not_run_costs_none(service):
    service.answers += [report(stage(verdict="error", error=lost(None), divergence=DEPARTED))]
    compared(service)
    compared(service)
    assert len(service.started) == 1
    service.answers += [report(stage(verdict="error", error=lost("torch"), divergence=DEPARTED))]
    compared(service)
    compared(service)
    assert len(service.started) == 2


def test_a_framework_that_is_missing_is_looked_for_once(service):
    service.failures["paddle"] = WorkerFailure("paddle", "unsupported", "there is no paddle")
    assert compared(service) == {"unavailable": {"paddle": "there is no paddle"}}
    assert compared(service, "b") == {"unavailable": {"paddle": "there is no paddle"}}
    assert len(service.started) == 1


def test_a_stage_passes_only_if_it_was_compared():
    assert outcome(report(stage()), "forward")["outcome"] == "passed"
    nothing = outcome(report(stage(tensors=[])), "forward")
    assert (nothing["outcome"], nothing["text"]) == ("skipped", "nothing to compare")
    bit_identical = outcome(report(stage("repeat", tensors=[])), "repeat")
    assert bit_identical["outcome"] == "passed"
    lacking = outcome(report(stage("float32", unsupported={"paddle": "none here"})), "float32")
    assert (lacking["outcome"], "paddle: none here" in lacking["text"]) == ("skipped", True)


def test_a_stage_that_was_not_reached_fails_with_the_reason():
    first = {"stage": "parameters", "name": "fc.weight", "layer": "fc", "relative_l2": None}
    unpaired = report(stage("parameters", verdict="fail"), verdict="fail") | {"first_divergence": first}
    unpaired |= {"pairing": {"reason": "fc.weight does not fit"}}
    found = outcome(unpaired, "gradients")
    assert found["outcome"] == "failed"
    assert found["text"].startswith("not run: ")
    assert "fc.weight does not fit" in found["text"]
    skipped = outcome(report(stage(verdict="error", error=lost(None), divergence=DEPARTED)), "forward")
    assert (skipped["outcome"], skipped["text"]) == ("failed", "not run: None is gone")


def test_a_failure_begins_with_its_layer_and_line():
    failed = [TENSOR | {"relative_l2": 0.5, "verdict": "fail"}]
    found = outcome(report(stage(verdict="fail", divergence=DEPARTED, tensors=failed)), "forward")
    assert found["outcome"] == "failed"
    assert found["text"].splitlines()[0] == "layer fc (/mine.py:3): logits departs by 5.0e-01"
    assert "paddle's fc: /mine.py:3: nn.Linear(3, 4)" in found["text"]
