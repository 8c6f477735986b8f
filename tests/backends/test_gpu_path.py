"""What the twins do on a GPU, on a fake one: events, waiting, memory, settings.

This shows that the logic is right; on hardware it is not verified.
"""

from pathlib import Path
from types import SimpleNamespace

import pytest

from benchmarks.worker.steps import DeviceTimeline
from benchmarks.worker.timing import time_steps
from common.cli import UnavailableError, UsageError
from common.runtime.devices import choose_device
from tests.support.fake_device import LAUNCH, FakeCuda, FakeDevice
from tests.support.mutation import without_each
from tests.support.sides import module

GPU = "gpu:0"


def on_fake(device_module, cuda, monkeypatch):
    monkeypatch.setattr(device_module, "cuda", cuda)
    monkeypatch.setattr(device_module, "place", lambda name: name)
    monkeypatch.setattr(device_module.time, "perf_counter", cuda.device.clock)


def measure(device_module, device):
    """Step times of two parts of 10 and 20 seconds on a device that is busy at the start."""
    device.launch(1000.0)
    parts = {"forward": lambda: device.launch(10.0), "backward": lambda: device.launch(20.0)}
    timeline = DeviceTimeline(device_module, GPU)
    return time_steps(parts, timeline, min_steps=2, min_seconds=0, clock=device.clock)


def test_parts_are_timed_by_events(backend, monkeypatch):
    device = FakeDevice()
    on_fake(module(backend, "device"), FakeCuda(device), monkeypatch)
    assert measure(module(backend, "device"), device) == {
        "forward": [LAUNCH + 10.0] * 2,
        "backward": [20.0] * 2,
    }


def test_events_that_tell_no_time_are_replaced_by_waiting(paddle_backend, monkeypatch):
    """paddle before 3.0: then every part's launch shows."""
    device = FakeDevice()
    on_fake(module(paddle_backend, "device"), FakeCuda(device, events_tell_time=False), monkeypatch)
    seconds = measure(module(paddle_backend, "device"), device)
    assert seconds == {"forward": [LAUNCH + 10.0] * 2, "backward": [LAUNCH + 20.0] * 2}


@pytest.mark.parametrize("events_tell_time", [True, False])
def test_every_synchronisation_is_needed(backend, monkeypatch, events_tell_time):
    """Deleting the wait in `synchronize`, or the one that replaces an event's time, is seen."""
    path = Path(module(backend, "device").__file__)
    statements = ["cuda.synchronize(place(device))"]
    if not events_tell_time:
        if "torch" in backend.__name__:
            pytest.skip("torch's events have always had the time")
        statements = ["synchronize(device)"]
    for statement in statements:
        mutants = list(without_each(path, statement))
        assert len(mutants) == 1
        for line, mutant in mutants:
            device = FakeDevice()
            mutant.cuda, mutant.place = FakeCuda(device, events_tell_time=events_tell_time), lambda name: name
            monkeypatch.setattr(mutant.time, "perf_counter", device.clock)
            with pytest.raises((AssertionError, RuntimeError)):
                seconds = measure(mutant, device)
                assert seconds["backward"] == [20.0 + (0 if events_tell_time else LAUNCH)] * 2
                pytest.fail(f"device.py:{line}: nothing noticed that the wait is gone")


def test_the_cpu_is_timed_by_the_clock(backend):
    start, end = backend.mark("cpu"), backend.mark("cpu")
    backend.synchronize("cpu")
    assert isinstance(start, float)
    assert 0 <= backend.seconds_between(start, end) < 1


def test_peak_memory_is_reset_and_read(backend, monkeypatch):
    device_module, cuda = module(backend, "device"), FakeCuda(FakeDevice())
    on_fake(device_module, cuda, monkeypatch)
    cuda.peak_bytes = 77
    assert device_module.peak_memory_bytes(GPU) == 77
    device_module.reset_peak_memory(GPU)
    assert device_module.peak_memory_bytes(GPU) == 0
    assert device_module.peak_memory_bytes("cpu") is None


def test_a_peak_that_cannot_be_reset_is_not_reported(paddle_backend, monkeypatch):
    device_module = module(paddle_backend, "device")
    cuda = SimpleNamespace(device=FakeDevice(), max_memory_allocated=lambda place: 99)
    on_fake(device_module, cuda, monkeypatch)
    device_module.reset_peak_memory(GPU)
    assert device_module.peak_memory_bytes(GPU) is None


def test_running_out_of_memory_is_recognised(torch_backend, paddle_backend):
    import paddle
    import torch

    with pytest.raises(RuntimeError) as failure:
        torch.empty(10**15)
    assert torch_backend.is_out_of_memory(failure.value)
    assert torch_backend.is_out_of_memory(torch.cuda.OutOfMemoryError("CUDA out of memory"))
    assert not torch_backend.is_out_of_memory(RuntimeError("shapes cannot be multiplied"))
    with pytest.raises(MemoryError) as failure:
        paddle.zeros([10**7, 10**7])
    assert paddle_backend.is_out_of_memory(failure.value)
    assert not paddle_backend.is_out_of_memory(RuntimeError("(InvalidArgument) shapes differ"))


@pytest.mark.parametrize(
    ("name", "gpus", "device"),
    [("auto", 0, "cpu"), ("auto", 2, "gpu:0"), ("cpu", 2, "cpu"), ("gpu", 1, "gpu:0"), ("gpu:1", 2, "gpu:1")],
)
def test_devices_that_are_there(name, gpus, device):
    assert choose_device(name, gpus=gpus, framework="f") == device


@pytest.mark.parametrize(("name", "gpus"), [("gpu", 0), ("gpu:0", 0), ("gpu:1", 1)])
def test_a_gpu_that_is_not_there_is_an_error_and_never_the_cpu(name, gpus):
    with pytest.raises(UnavailableError, match=f"'{name}' cannot be had"):
        choose_device(name, gpus=gpus, framework="f")


@pytest.mark.parametrize("name", ["tpu", "gpu:", "gpu:x", "cuda", "CPU", ""])
def test_unknown_devices(name):
    with pytest.raises(UsageError, match="choose auto, cpu, gpu or gpu:N"):
        choose_device(name, gpus=1, framework="f")


def test_the_number_of_gpus_is_asked_of_the_framework(backend, monkeypatch):
    device_module = module(backend, "device")
    on_fake(device_module, FakeCuda(FakeDevice(), gpus=2), monkeypatch)
    if "paddle" in backend.__name__:
        monkeypatch.setattr(device_module.paddle, "is_compiled_with_cuda", lambda: True)
    assert device_module.find_device("gpu:1") == "gpu:1"
    with pytest.raises(UnavailableError, match=r"sees 2 GPUs .* choose gpu:1 at most"):
        device_module.find_device("gpu:2")
