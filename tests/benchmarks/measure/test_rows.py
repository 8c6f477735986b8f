"""Rows of a comparison: what is in no layer, and a memory that is the model's."""

from benchmarks.analysis.layers import layer_lines
from benchmarks.worker import tasks
from benchmarks.worker.tasks import Tasks, size_on_disk
from tests.support.reports import layers, result


def test_what_is_in_no_layer_is_said():
    rows = [
        result("torch", 1.0, layers=layers(1), forward_seconds=0.02, phase="train", backward_seconds=0.05),
        result("paddle", 1.0, layers=layers(5), forward_seconds=0.01, phase="train", backward_seconds=0.01),
    ]
    lines = layer_lines(rows)
    assert (
        "torch: layers alone 45.0 ms, a step's forward and backward pass 70.0 ms: 25.0 ms are in no layer"
        in lines
    )
    assert any(line.endswith("alone they take longer") for line in lines)


def test_a_files_size_is_that_of_all_below_the_folder(tmp_path):
    assert size_on_disk(tmp_path / "nothing") is None
    (tmp_path / "deep").mkdir()
    (tmp_path / "deep" / "graph").write_bytes(b"123")
    (tmp_path / "weights").write_bytes(b"12345")
    assert size_on_disk(tmp_path) == 8


def test_a_worker_is_warmed_up_once_a_phase_before_its_memory_counts(backend, monkeypatch):
    """What comes in with the first optimizer is in the baseline, and not in the model's memory."""
    held = iter([100, 260])
    monkeypatch.setattr(tasks.memory, "resident_bytes", lambda: next(held))
    monkeypatch.setattr(tasks.memory, "peak_resident_bytes", lambda: 300)
    asked = []

    class Spec:
        device = "cpu"

        def __init__(self, phase):
            self.case = type("Case", (), {"phase": phase})

    made = Tasks(backend.__name__.rpartition(".")[2], backend)
    real = backend.make_optimizer
    monkeypatch.setattr(backend, "make_optimizer", lambda *a, **k: asked.append(1) or real(*a, **k))
    for phase in ("infer", "train", "train", "infer"):
        made._warm_up_bare(Spec(phase))
    assert (made._baseline_bytes, asked) == ({"infer": 100, "train": 260}, [1])
    made.job, made._phase = type("Job", (), {"device": "cpu"})(), "train"
    assert made.peak_memory_bytes() == 40
