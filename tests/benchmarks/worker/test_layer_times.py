"""Times of layers: one that cannot run alone loses its own row, not the others or what was timed before."""

import numpy as np
import pytest

from backends.open_model import ModelSpec
from benchmarks.manager.worker_process import WorkerFailure
from benchmarks.measure.diagnostics import Diagnostics
from benchmarks.request.case import Case
from benchmarks.request.job import JobSpec
from benchmarks.worker.profiling import ProfilingTasks
from tests.pairs.words import Words

CASE = Case(phase="train", engine="eager", precision="fp32", batch_size=2, threads=1)
SPEC = JobSpec(case=CASE, model=ModelSpec(precision="fp32", device="cpu"), equalise=True)


class Refusing:
    """A layer alone whose backward pass fails."""

    name, type = "rnn", "LSTM"

    def __init__(self, error):
        self.error = error

    def forward(self):
        """Nothing to compute."""

    def backward(self):
        raise self.error


@pytest.fixture
def tasks(backend):
    return ProfilingTasks(backend.__name__.rpartition(".")[2], backend)


def test_a_layer_that_fails_alone_has_its_reason_and_the_others_their_times(tasks):
    words = Words(tasks.name)
    model = tasks.backend.adopt(words.Sequential(words.Linear(3, 2)), precision="fp32", device="cpu")
    images = tasks.backend.from_numpy(np.ones((2, 3), np.float32), device="cpu", precision="fp32")
    layers = [*tasks.backend.isolate_layers(model, images), Refusing(RuntimeError("no\nkernel"))]
    sound, refused = (tasks._time_or_refuse(layer, precision="fp32", device="cpu") for layer in layers)
    assert refused == {"name": "rnn", "type": "LSTM", "reason": "RuntimeError: no kernel"}
    assert sound["forward_seconds"] > 0
    assert "reason" not in sound


def test_a_layer_that_the_memory_is_too_small_for_is_no_row(tasks):
    with pytest.raises(MemoryError):
        tasks._time_or_refuse(Refusing(MemoryError()), precision="fp32", device="cpu")


class Session:
    """A session whose worker cannot time layers."""

    def __init__(self):
        self.ended = []
        self.inputs = self

    def batch(self, size):
        return f"batch of {size}"

    def job(self, name, case, *, device):
        return SPEC

    def worker(self, name):
        return self

    def ask(self, task, **arguments):
        raise WorkerFailure("torch", "crashed", "torch's worker was killed by signal 11")

    def end(self, name):
        self.ended.append(name)


def test_a_worker_that_dies_over_its_layers_loses_them_and_no_timing():
    session = Session()
    explainer = Diagnostics(session)
    for _ in range(2):
        (row,) = explainer._layers("torch", CASE, "cpu")
        assert row == {"name": "model", "type": "model", "reason": "torch's worker was killed by signal 11"}
    assert session.ended == ["torch"]
