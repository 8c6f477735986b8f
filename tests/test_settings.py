"""Settings are made equal, read back, and compared."""

import pytest

from benchmarks.measure.interleave import unequal_settings
from common.runtime.devices import Setting
from tests.sides import module

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
    threads = backend.read_settings("cpu")["threads"]
    backend.equalise(threads=threads, device="cpu")
    assert all(switched_on.values())
    backend.equalise(threads=threads, device=GPU)
    assert not any(switched_on.values())


def test_what_is_read_back_is_what_is_in_force(backend, switched_on):
    switched_on["AUTOTUNE"] = False
    read = backend.read_settings(GPU)
    assert (read["tf32_matmul"], read["autotune"]) == (True, False)
    assert backend.read_settings("cpu")["tf32_matmul"] is None


def test_threads_are_set_and_read_back(backend):
    before = backend.read_settings("cpu")["threads"]
    try:
        for threads in (1, 2):
            backend.equalise(threads=threads, device="cpu")
            assert backend.read_settings("cpu")["threads"] == threads
    finally:
        backend.equalise(threads=before, device="cpu")


def test_unequal_settings_are_told():
    facts = {
        name: {
            "device": GPU,
            "settings": {
                "threads": threads,
                "tf32_matmul": False,
                "tf32_convolution": False,
                "autotune": False,
                "deterministic": False,
                "layout": "NCHW",
                "activation_dtype": "float32",
            },
        }
        for name, threads in (("torch", 2), ("paddle", 1))
    }
    assert unequal_settings(facts) == "settings differ: threads is 2 in torch and 1 in paddle"
    facts["paddle"]["settings"]["threads"] = 2
    assert unequal_settings(facts) is None
    for key in facts["torch"]["settings"]:
        changed = {**facts["paddle"], "settings": facts["paddle"]["settings"] | {key: "other"}}
        assert key in unequal_settings({"torch": facts["torch"], "paddle": changed})
    assert "device" in unequal_settings(
        {"torch": facts["torch"], "paddle": facts["paddle"] | {"device": "cpu"}}
    )
