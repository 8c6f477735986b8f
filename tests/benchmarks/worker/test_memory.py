"""A batch that cannot fit is refused before it is allocated: by the parent that draws it, by each worker."""

import errno
from pathlib import Path

import pytest

from backends.open_model import ModelSpec
from benchmarks import compare
from benchmarks.manager.session import Session
from benchmarks.manager.worker_process import WorkerFailure
from benchmarks.request.case import Case
from benchmarks.request.inputs import draw_batch, draw_inputs, write_weights
from benchmarks.request.job import JobSpec
from benchmarks.request.model_pair import ModelPair
from benchmarks.request.request import read_request
from benchmarks.worker import __main__ as worker
from benchmarks.worker.profiling import least_bytes
from benchmarks.worker.tasks import Tasks
from common.cli import UnavailableError
from common.input_spec import InputSpec
from common.runtime import memory
from common.runtime.memory import NotEnoughMemoryError
from common.weights import safetensors_file

MIB = 1 << 20
TRACE = [
    {"name": "conv", "type": "Conv2d", "output_shape": [2, 4, 8, 8]},
    {"name": "relu", "type": "ReLU", "output_shape": [2, 4, 8, 8]},
    {"name": "none", "type": "Own", "output_shape": None},
    {"name": "fc", "type": "Linear", "output_shape": [2, 10]},
]
SHAPES = {"conv.weight": (4, 3, 3, 3), "fc.weight": (10, 256), "fc.bias": (10,)}


def case(**more):
    return Case(
        **{"phase": "infer", "engine": "eager", "precision": "fp32", "batch_size": 6, "threads": 1} | more
    )


@pytest.mark.parametrize(
    ("asked", "expected"),
    [
        ({}, 6 * 256 * 4),
        ({"precision": "fp64"}, 6 * 256 * 8),
        ({"precision": "bf16"}, 6 * 256 * 2),
        ({"phase": "train"}, 6 * (256 + 10) * 4),
        ({"phase": "train", "batch_size": 600}, 600 * (256 + 10) * 4),
    ],
)
def test_the_least_that_a_step_holds(asked, expected):
    assert least_bytes(TRACE, SHAPES, case=case(**asked), traced=2) == expected


def job(tmp_path, batch_size, *, phase="infer"):
    pair = ModelPair(model="lenet5", num_classes=10, input_shape=(3, 32, 32))
    safetensors_file.save(tmp_path / "batch", draw_batch(pair, batch_size=batch_size))
    return JobSpec(
        case=case(phase=phase, batch_size=batch_size),
        model=ModelSpec(name="lenet5", num_classes=10, precision="fp32", device="cpu"),
        equalise=False,
        weights=str(tmp_path / "weights"),
        artefacts=str(tmp_path),
        inputs=str(tmp_path / "batch"),
    )


@pytest.mark.parametrize("phase", ["infer", "train"])
def test_a_worker_refuses_a_step_that_cannot_fit(tmp_path, monkeypatch, backend, phase):
    tasks = Tasks(backend.__name__.rpartition(".")[2], backend)
    few = job(tmp_path, 4, phase=phase)
    shapes = tasks.shapes(few.model.to_json())
    write_weights(shapes, seed=0, path=tmp_path / "weights")
    monkeypatch.setattr(memory, "available_bytes", lambda: 8 * MIB)
    assert tasks.prepare(few.to_json())["flops_per_image"] > 0
    many = job(tmp_path, 600, phase=phase)  # 7 MiB of images; c1 puts out 11
    with pytest.raises(NotEnoughMemoryError, match=r"a step of 600 images takes 0\.01"):
        tasks.prepare(many.to_json())
    monkeypatch.setattr(memory, "available_bytes", lambda: MIB)
    with pytest.raises(NotEnoughMemoryError, match="a batch of 600 images takes"):
        tasks.prepare(many.to_json())


def test_a_large_batch_is_refused_before_it_is_drawn(tmp_path, monkeypatch, backend):
    """By a few of its images: what is allocated for the whole would be gigabytes."""
    tasks, few = Tasks(backend.__name__.rpartition(".")[2], backend), job(tmp_path, 8)
    tasks.require_fit(few.to_json(), 16)
    monkeypatch.setattr(memory, "available_bytes", lambda: 1 << 30)
    with pytest.raises(NotEnoughMemoryError, match=r"a step of 50,000 images takes 1\.4"):
        tasks.require_fit(few.to_json(), 50_000)  # 12 KiB of images each, and 18 that c1 puts out


def test_a_session_asks_whether_a_large_batch_fits_and_draws_only_a_few(tmp_path, monkeypatch):
    asked = []

    class Refusing:
        """A worker without memory for anything large."""

        def ask(self, task, **arguments):
            asked.append((task, arguments.get("batch_size")))
            if task == "require_fit":
                raise WorkerFailure("torch", "out-of-memory", "too large", details={})
            return {"shapes": {"fc.weight": [2, 3]}, "find_device": "cpu"}.get(task)

    session = Session(read_request(compare._parse(["--model", "lenet5"])), scratch=tmp_path)
    session.take({"torch": Refusing()})
    for phase in ("infer", "train", "startup", "serve", "soak"):
        with pytest.raises(WorkerFailure, match="too large"):
            session.prepare("torch", case(phase=phase, batch_size=1_000_000))
    assert asked.count(("require_fit", 1_000_000)) == 5
    assert [path.name for path in tmp_path.glob("batch*")] == ["batch-8-0.safetensors"]
    session.hand_back()


def test_the_parent_refuses_a_batch_that_it_could_not_draw():
    pair = ModelPair(model="alexnet", num_classes=1000, input_shape=(3, 224, 224))
    with pytest.raises(NotEnoughMemoryError, match=r"a batch of 10,000,000 inputs of 3x224x224 takes 5\.61e"):
        draw_batch(pair, batch_size=10_000_000)
    inputs = (InputSpec(name="a", shape=(1 << 20,)), InputSpec(name="b", shape=(1 << 20, 2)))
    several = ModelPair(model="own", num_classes=2, input_shape=(3, 8, 8), inputs=inputs, batch_size=100_000)
    with pytest.raises(NotEnoughMemoryError, match="inputs of 1048576 and 1048576x2 takes"):
        draw_inputs(several)


def test_a_batch_without_room_costs_its_row_and_no_more(tmp_path, monkeypatch):
    session = Session(read_request(compare._parse(["--model", "lenet5"])), scratch=tmp_path)
    with pytest.raises(WorkerFailure) as failure:
        session.batch("torch", 10**9)
    assert (failure.value.status, failure.value.is_gone) == ("out-of-memory", False)
    assert safetensors_file.load(Path(session.batch("torch", 2)))["images"].shape == (2, 3, 32, 32)

    def full(*_, **__):
        raise OSError(errno.ENOSPC, "No space left on device")

    monkeypatch.setattr(safetensors_file, "save", full)
    with pytest.raises(WorkerFailure, match="cannot be written: No space left"):
        session.batch("torch", 3)


def test_a_refusal_for_want_of_memory_has_its_status_and_no_name_of_a_class():
    refusal = NotEnoughMemoryError("a step of 9 images takes 3 GiB")
    assert (worker._status(refusal, None), worker._describe(refusal)) == ("out-of-memory", str(refusal))
    assert worker._status(UnavailableError("no such engine"), None) == "unsupported"


def test_workers_are_what_the_kernel_ends_first(tmp_path, monkeypatch):
    score = tmp_path / "score"
    monkeypatch.setattr(memory, "_KILLED_FIRST", score)
    memory.be_killed_first()
    assert score.read_text() == "1000"
    monkeypatch.setattr(memory, "_KILLED_FIRST", tmp_path / "no" / "proc")
    memory.be_killed_first()  # a system without it goes on
