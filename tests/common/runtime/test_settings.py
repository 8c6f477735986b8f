"""Settings are made equal, read back, and compared."""

import pytest

from benchmarks.measure.comparable import COMPARABLE, unequal_settings
from benchmarks.request.job import JobFacts
from common.runtime.settings import Setting, Settings
from tests.support.sides import module

GPU = "gpu:0"
SWITCHES = ("TF32_MATMUL", "TF32_CONVOLUTION", "AUTOTUNE", "DETERMINISTIC")


@pytest.fixture
def switched_on(backend, monkeypatch):
    """Settings of a GPU, all on, where this build may not have them."""
    settings = module(backend, "settings")
    values = dict.fromkeys(SWITCHES, True)
    for name in SWITCHES:
        fake = Setting(lambda name=name: values[name], lambda on, name=name: values.update({name: on}))
        monkeypatch.setattr(settings, name, fake)
    return values


def test_equalising_turns_every_switch_off_on_a_gpu_and_none_on_the_cpu(backend, switched_on):
    threads = backend.read_settings("cpu").threads
    backend.equalise(threads=threads, device="cpu")
    assert all(switched_on.values())
    backend.equalise(threads=threads, device=GPU)
    assert not any(switched_on.values())


def test_what_is_read_back_is_what_is_in_force(backend, switched_on):
    switched_on["AUTOTUNE"] = False
    read = backend.read_settings(GPU)
    assert (read.tf32_matmul, read.autotune) == (True, False)
    assert backend.read_settings("cpu").tf32_matmul is None


def test_threads_are_set_and_read_back(backend):
    before = backend.read_settings("cpu").threads
    try:
        for threads in (1, 2):
            backend.equalise(threads=threads, device="cpu")
            assert backend.read_settings("cpu").threads == threads
    finally:
        backend.equalise(threads=before, device="cpu")


def test_unequal_settings_are_reported():
    def facts(*, device=GPU, **settings):
        on_gpu = dict.fromkeys(("tf32_matmul", "tf32_convolution", "autotune", "deterministic"), False)
        equal = on_gpu | {"threads": 2, "layout": "NCHW", "activation_dtype": "float32"}
        return JobFacts(device=device, settings=Settings(**equal | settings))

    fewer = {"torch": facts(), "paddle": facts(threads=1)}
    assert unequal_settings(fewer) == "settings differ: threads is 2 in torch and 1 in paddle"
    assert unequal_settings({"torch": facts(), "paddle": facts()}) is None
    for key in COMPARABLE:
        assert key in unequal_settings({"torch": facts(), "paddle": facts(**{key: "other"})})
