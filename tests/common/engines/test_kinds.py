"""Engines know what they cannot do, and no framework runs one engine under the name of another."""

import importlib

import pytest

from backends import NAMES
from common.cli import UnavailableError
from common.engines import kinds
from common.engines.kinds import ENGINE_KINDS, EngineKind, FrameworkLimits, Wanted, require_possible

TENSORRT = EngineKind(name="tensorrt", compiles="ahead")
PLAIN = {"precision": "fp32", "device": "cpu", "layout": "NCHW", "training": False}
LIMITS = {"layouts": ("NCHW",), "mixed_on_cpu": (), "unmixed": ""}


def refusal(engine, limits=None, **changed):
    with pytest.raises(UnavailableError) as refused:
        require_possible(engine, Wanted(**PLAIN | changed), limits)
    return str(refused.value)


@pytest.fixture
def with_tensorrt(monkeypatch):
    monkeypatch.setitem(kinds.ENGINE_KINDS, TENSORRT.name, TENSORRT)


def test_what_compiles_ahead_never_trains(with_tensorrt):
    assert "do not train" in refusal("deploy", training=True)
    assert "do not train" in refusal("tensorrt", training=True)
    require_possible("tensorrt", Wanted(**PLAIN))


def test_a_framework_says_which_engine_it_lacks(with_tensorrt):
    lacking = FrameworkLimits(**LIMITS, lacks={"tensorrt": "paddle has no TensorRT here; choose deploy"})
    assert refusal("tensorrt", lacking) == "paddle has no TensorRT here; choose deploy"
    require_possible("deploy", Wanted(**PLAIN), lacking)
    require_possible("tensorrt", Wanted(**PLAIN), FrameworkLimits(**LIMITS))


@pytest.mark.parametrize("name", NAMES)
def test_every_engine_is_built_or_refused_by_each_framework(name, request):
    request.getfixturevalue(f"{name}_backend")
    engines = importlib.import_module(f"backends.{name}.engines")
    ahead = {kind.name for kind in ENGINE_KINDS.values() if kind.compiles == "ahead" and not kind.neutral}
    assert ahead == {*engines.AHEAD, *engines.LIMITS.lacks}


@pytest.mark.parametrize("name", NAMES)
def test_an_engine_that_nobody_built_is_not_run_as_another(name, request, with_tensorrt, tmp_path):
    request.getfixturevalue(f"{name}_backend")
    engines = importlib.import_module(f"backends.{name}.engines")
    with pytest.raises(KeyError, match="tensorrt"):
        engines.make_engine(
            None, None, engine="tensorrt", precision="fp32", device="cpu", folder=tmp_path / "new"
        )
