"""What else the machine did meanwhile: other programs, its host, its clocks, a GPU's heat."""

import subprocess
import sys
from collections import namedtuple
from types import SimpleNamespace

import psutil
import pynvml
import pytest

from benchmarks.measure import machine_load
from benchmarks.measure.machine_load import MachineLoad, unsteady
from benchmarks.measure.sweep import Sweep
from tests.support.reports import comparison, result

Times = namedtuple("Times", "user nice system idle steal")
NVML = {
    "nvmlInit": lambda: None,
    "nvmlDeviceGetCount": lambda: 1,
    "nvmlDeviceGetHandleByIndex": lambda number: f"GPU {number}",
    "nvmlDeviceGetClockInfo": lambda handle, kind: 1980,
    "nvmlDeviceGetPowerUsage": lambda handle: 118880,
    "nvmlDeviceGetTemperature": lambda handle, sensor: 36,
    "nvmlShutdown": lambda: None,
}


def watched(monkeypatch, *, busy=0.0, ours=0.0, steal=0.0, clocks=(3000, 3000), passed=10.0):
    """What is told after so many seconds on two processors, so many seconds of which were taken."""
    seconds, spent, mhz = iter([0.0, passed]), iter([0.0, ours]), iter(clocks)
    times = iter([Times(0, 0, 0, 0, 0), Times(busy, 0, 0, 20 - busy - steal, steal)])
    monkeypatch.setattr(machine_load.time, "monotonic", lambda: next(seconds))
    monkeypatch.setattr(machine_load.os, "cpu_count", lambda: 2)
    monkeypatch.setattr(machine_load, "_children_seconds", lambda: next(spent))
    monkeypatch.setattr(machine_load, "_clock", lambda _: next(mhz))
    monkeypatch.setattr(psutil, "cpu_times", lambda: next(times))
    return MachineLoad().facts()


def test_a_quiet_machine_is_no_warning(monkeypatch):
    told = watched(monkeypatch, busy=19.0, ours=18.5)
    assert told["other_cpu_fraction"] == pytest.approx(0.025)
    assert told["warnings"] == []


def test_of_an_instant_nothing_is_said(monkeypatch):
    assert watched(monkeypatch, busy=0.01, passed=0.01)["warnings"] == []


@pytest.mark.parametrize(
    ("happened", "warning"),
    [
        ({"busy": 19.0, "ours": 10.0}, "other processes used 45% of the processors"),
        ({"steal": 2.0}, "the host withheld 10% of the processors' time"),
        ({"clocks": (3000, 2000)}, "the processors' clock changed from 3000 to 2000 MHz"),
    ],
)
def test_what_disturbs_is_reported(monkeypatch, happened, warning):
    assert watched(monkeypatch, **happened)["warnings"] == [warning]


def test_a_machine_whose_pace_changes_is_reported_of_the_worst_combination():
    steady, slower, faster = (comparison(1.0, 1.0, pace=pace) for pace in (-0.1, -0.3, 0.2))
    assert unsteady([steady, comparison(1.0, 1.0)]) == []
    assert unsteady([steady, faster, slower]) == [
        "the machine became 30% slower within infer eager fp32 batch 8"
    ]
    assert unsteady([faster])[0].startswith("the machine became 20% faster")


def test_a_report_warns_of_a_machine_whose_pace_changed():
    pair, request = SimpleNamespace(folder=""), SimpleNamespace(cases=["infer"])
    session = SimpleNamespace(versions={}, models={}, installed_bytes={}, pair=pair, request=request)
    sweep = Sweep(session, facts={}, folder=None, earlier=None, margin=5.0)
    sweep._kept["infer"] = comparison(1.0, 1.0, pace=-0.3), [result("torch", 1.0)]
    (warning,) = [text for text in sweep.report().environment["warnings"] if "became" in text]
    assert warning == "the machine became 30% slower within infer eager fp32 batch 8"


def test_a_gpu_tells_its_clock_its_power_and_its_heat(monkeypatch):
    for name, function in NVML.items():
        monkeypatch.setattr(pynvml, name, function)
    assert watched(monkeypatch)["gpu_state"] == [{"sm_mhz": 1980, "watts": 118.88, "celsius": 36}]


@pytest.mark.parametrize("failing", ["nvmlInit", "nvmlDeviceGetPowerUsage"])
def test_a_gpu_that_tells_nothing_is_no_error(monkeypatch, failing):
    def fails(*_):
        raise pynvml.NVMLError(pynvml.NVML_ERROR_NOT_SUPPORTED)

    for name, function in NVML.items():
        monkeypatch.setattr(pynvml, name, fails if name == failing else function)
    assert watched(monkeypatch)["gpu_state"] == []


def test_a_compiler_that_a_worker_ran_is_none_of_the_others():
    """Its time is the living worker's, though it has ended."""
    burn = "import time; end = time.process_time() + 0.3\nwhile time.process_time() < end: pass"
    run = f"subprocess.run([sys.executable, '-c', {burn!r}])"
    compile_ = f"import subprocess, sys; {run}; print(flush=True); input()"
    before = machine_load._children_seconds()
    worker = subprocess.Popen(
        [sys.executable, "-c", compile_], stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True
    )
    worker.stdout.readline()
    assert machine_load._children_seconds() - before >= 0.3
    worker.communicate("\n")
