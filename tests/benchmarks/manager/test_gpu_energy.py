"""Joules of a GPU: the right board's counter, around each block, or none at all."""

from types import SimpleNamespace

import pynvml
import pytest

from benchmarks.manager import session as module
from benchmarks.manager.gpu_energy import gpu_joules
from benchmarks.manager.session import Session
from benchmarks.measure.rows import joules_per_image
from benchmarks.report.terminal import _notes
from benchmarks.results.samples import Block, Measured
from benchmarks.results.schema import Report
from common.language import ENGLISH
from tests.support.reports import result


@pytest.fixture
def two_gpus(monkeypatch):
    """Returns what NVML answers, to be changed."""
    nvml = SimpleNamespace(names=["H200", "H200"], millijoules=[5000, 9000], uuid="GPU-ab")
    monkeypatch.setattr(pynvml, "nvmlInit", lambda: None)
    monkeypatch.setattr(pynvml, "nvmlShutdown", lambda: None)
    monkeypatch.setattr(pynvml, "nvmlDeviceGetCount", lambda: len(nvml.names))
    monkeypatch.setattr(pynvml, "nvmlDeviceGetHandleByIndex", lambda number: number)
    monkeypatch.setattr(pynvml, "nvmlDeviceGetHandleByUUID", {nvml.uuid: 1}.__getitem__)
    monkeypatch.setattr(pynvml, "nvmlDeviceGetName", lambda handle: nvml.names[handle])
    monkeypatch.setattr(
        pynvml, "nvmlDeviceGetTotalEnergyConsumption", lambda handle: nvml.millijoules[handle]
    )
    return nvml


@pytest.mark.parametrize(
    ("device", "environment", "joules"),
    [
        ("cpu", {}, None),
        ("gpu:0", {}, 5.0),
        ("gpu:1", {}, 9.0),
        ("gpu:0", {"CUDA_VISIBLE_DEVICES": "1"}, 9.0),
        ("gpu:1", {"CUDA_VISIBLE_DEVICES": "1, 0"}, 5.0),
        ("gpu:0", {"CUDA_VISIBLE_DEVICES": "GPU-ab"}, 9.0),
        ("gpu:0", {"CUDA_VISIBLE_DEVICES": "MIG-ab"}, None),
        ("gpu:1", {"CUDA_VISIBLE_DEVICES": "0"}, None),
        ("gpu:2", {}, None),
    ],
)
def test_the_counter_is_that_of_the_gpu_which_the_framework_sees(two_gpus, device, environment, joules):
    assert gpu_joules(device, environment) == joules


def test_of_different_gpus_the_order_has_to_be_known(two_gpus):
    two_gpus.names[1] = "L4"
    assert gpu_joules("gpu:1", {}) is None
    assert gpu_joules("gpu:1", {"CUDA_DEVICE_ORDER": "PCI_BUS_ID"}) == 9.0


@pytest.mark.parametrize("failing", ["nvmlInit", "nvmlDeviceGetTotalEnergyConsumption"])
def test_a_gpu_without_a_counter_has_no_joules(two_gpus, monkeypatch, failing):
    def fails(*_):
        raise pynvml.NVMLError(pynvml.NVML_ERROR_NOT_SUPPORTED)

    monkeypatch.setattr(pynvml, failing, fails)
    assert gpu_joules("gpu:0", {}) is None


@pytest.mark.parametrize(
    ("readings", "joules"), [([7.0, 10.0], 3.0), ([None, None], None), ([7.0, None], None)]
)
def test_a_block_has_what_the_counter_grew_by(monkeypatch, readings, joules):
    counter = iter(readings)
    reply = {"seconds": {"forward": [0.1, 0.1]}, "span_seconds": 0.2, "outcome": 0.0}
    worker = SimpleNamespace(ask=lambda *_, **__: reply, idle_cpu_seconds=0.0)
    monkeypatch.setattr(module, "gpu_joules", lambda device: next(counter))
    measuring = SimpleNamespace(worker=lambda name: worker)
    measured = Measured(facts=SimpleNamespace(device="gpu:0"))
    assert Session.measure(measuring, "torch", measured, min_steps=2, min_seconds=0.1).joules == joules


def test_joules_an_image_are_of_all_blocks_or_unknown():
    blocks = [
        Block(seconds={"forward": [0.1] * steps}, joules=joules) for steps, joules in ((2, 3.0), (4, 9.0))
    ]
    assert joules_per_image(blocks, batch_size=8) == 12.0 / 48
    assert joules_per_image([*blocks, Block(seconds={"forward": [0.1]})], batch_size=8) is None
    assert joules_per_image([], batch_size=8) is None


def test_joules_are_printed_where_a_gpu_has_figures():
    def notes(**more):
        return "\n".join(_notes(Report(environment={}, results=[result("torch", 100.0, **more)]), ENGLISH))

    assert "Joules" not in notes()
    assert "torch infer eager fp32 batch 8: 0.250" in notes(joules_per_image=0.25)
