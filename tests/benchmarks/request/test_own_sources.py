"""MODULE:CALLABLE and inputs of the user's own are checked before anything is started."""

import numpy as np
import pytest

from benchmarks.manager.installations import worker_environment
from benchmarks.request.sources import require_source
from common.cli import UsageError
from common.input_spec import InputSpec

MODULE = """
from somewhere import *  # noqa
import os as system

def net():
    return 1

class Holder:
    pass

twin = net
"""


@pytest.fixture
def folder(tmp_path):
    (tmp_path / "mine.py").write_text(MODULE.replace("from somewhere import *  # noqa\n", ""))
    (tmp_path / "starred.py").write_text(MODULE)
    (tmp_path / "broken.py").write_text("def net(:\n    pass\n")
    (tmp_path / "deep" / "er").mkdir(parents=True)
    (tmp_path / "deep" / "er" / "__init__.py").write_text("net = 1\n")
    return tmp_path


@pytest.mark.parametrize(
    "source", ["mine:net", "mine:twin", "mine:Holder.build", "starred:anything", "deep.er:net", "json:loads"]
)
def test_what_can_be_there_is_left_to_the_worker(folder, source):
    require_source(source, backend="torch", folder=folder)


@pytest.mark.parametrize(
    ("source", "message"),
    [
        ("mine", "expected MODULE:CALLABLE"),
        ("mine:", "expected MODULE:CALLABLE"),
        ("mine:nett", "has no 'nett'; it has Holder, net, system, twin"),
        ("broken:net", "broken.py:1: "),
        ("nowhere_at_all:net", "no module 'nowhere_at_all'"),
    ],
)
def test_what_cannot_be_there_is_refused_at_once(folder, source, message):
    with pytest.raises(UsageError, match=message.replace("(", r"\(")):
        require_source(source, backend="torch", folder=folder)


def test_a_module_below_src_is_looked_up_there(folder):
    (folder / "src").mkdir()
    (folder / "src" / "below.py").write_text("def net(): ...\n")
    require_source("below:net", backend="torch", folder=folder)
    with pytest.raises(UsageError, match="has no 'nett'"):
        require_source("below:nett", backend="torch", folder=folder)


def test_a_worker_which_starts_elsewhere_finds_the_same_modules(folder, monkeypatch):
    monkeypatch.chdir(folder)
    inner = worker_environment({"PYTHONPATH": "src:/there"}, threads=None, elsewhere=False)
    assert inner["PYTHONPATH"] == f"{folder / 'src'}:/there"
    assert "PYTHONPATH" not in worker_environment({"PYTHONPATH": "src"}, threads=None, elsewhere=True)


def test_another_interpreter_may_have_other_modules(folder, monkeypatch):
    monkeypatch.setenv("PADDLE_PYTHON", "/elsewhere/bin/python")
    require_source("nowhere_at_all:net", backend="paddle", folder=folder)


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("x=3", InputSpec(name="x", shape=(3,))),
        ("images=3,12,12:float32", InputSpec(name="images", shape=(3, 12, 12))),
        ("tokens=16:int64<1000", InputSpec(name="tokens", shape=(16,), dtype="int64", below=1000)),
        ("mask=4,4:bool", InputSpec(name="mask", shape=(4, 4), dtype="bool")),
    ],
)
def test_inputs_are_read(text, expected):
    spec = InputSpec.parse(text)
    assert spec == expected
    drawn = spec.draw(np.random.default_rng(0), 5)
    assert (drawn.shape, str(drawn.dtype)) == ((5, *spec.shape), spec.dtype)
    if spec.dtype == "int64":
        assert 0 <= drawn.min() <= drawn.max() < spec.below


@pytest.mark.parametrize("text", ["x", "=3", "x=", "x=0", "x=3:float16", "x=3:int64<many", "x=a"])
def test_inputs_that_say_nothing_are_refused(text):
    with pytest.raises(ValueError):
        InputSpec.parse(text)
