"""The command: what it refuses, what it leaves behind, and what it says of a twin that cannot be compared."""

import sys
from pathlib import Path

import pytest

from backends import port
from backends.porting import converter
from backends.porting.signatures import Signature
from common.cli import UnavailableError, UsageError

FLAGS = ["--callable", "net", "--input-shape", "3,8,8", "--num-classes", "5"]
TWIN = "import paddle\ny = paddle.nn.functional.relu(1, inplace=True)\n"


@pytest.fixture
def translated(tmp_path, monkeypatch):
    """A source beside which a converter of ours writes what it is told."""
    (tmp_path / "mine.py").write_text("import torch\n")
    monkeypatch.chdir(tmp_path)
    relu = {"paddle.nn.functional.relu": Signature(exists=True, parameters=("x", "name"))}
    monkeypatch.setattr(port, "signatures", lambda names, python: relu)

    def writes(text):
        monkeypatch.setattr(converter, "convert", lambda source, target: target.write_text(text))
        return ["mine.py", "--output", "twin.py"]

    return writes


def test_a_twin_is_mended_and_what_is_left_is_listed(translated, capsys):
    arguments = translated(TWIN + ">>>>>>torch.odd(y)\n")
    assert port.main([*arguments, "--skip-proof"]) == 0
    out, _ = capsys.readouterr()
    assert "twin.py:2: mended: paddle.nn.functional.relu: inplace" in out
    assert "twin.py:3: left: not translated: torch.odd(y)" in out
    assert "1 places left to you" in out
    assert "relu(1)" in Path("twin.py").read_text()


def test_half_a_twin_is_not_left_behind(translated, monkeypatch):
    """It would be taken for one, and be in the way of the next try."""
    arguments = translated("def net(:\n")
    with pytest.raises(UnavailableError, match=r"twin.py:1: PaConvert wrote what is no Python: def net\(:"):
        port.main([*arguments, "--skip-proof"])
    assert not Path("twin.py").exists()
    arguments = translated(TWIN)

    def stopped(*_, **__):
        raise KeyboardInterrupt

    monkeypatch.setattr(port, "signatures", stopped)
    with pytest.raises(KeyboardInterrupt):
        port.main([*arguments, "--skip-proof"])
    assert not Path("twin.py").exists()


def test_a_twin_that_cannot_be_compared_stays_and_the_way_on_is_named(translated, monkeypatch):
    def refused(*_, **__):
        raise UsageError("the twin could not be compared: no 'net'")

    monkeypatch.setattr(port, "prove", refused)
    with pytest.raises(
        UsageError, match="no 'net'; the twin is written, and compared again by: side-by-side"
    ):
        port.main([*translated(TWIN), *FLAGS])
    assert Path("twin.py").exists()


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (["none.py", "--output", "twin.py"], "there is no such file"),
        (["mine.py", "--output", "mine.py"], "is there already"),
        (["mine.py", "--output", "/twin.py"], "must lie beside"),
        (["mine.py", "--output", "a-twin.py"], "is no name of a module"),
        (["mine.py", "--output", "twin.py"], "--callable, --input-shape, --num-classes are needed"),
    ],
)
def test_wrong_requests_are_refused_before_anything_is_written(translated, arguments, message):
    translated(TWIN)
    with pytest.raises(UsageError, match=message):
        port.main(arguments)
    assert not Path("twin.py").exists()


def test_an_interpreter_without_the_converter_is_named_with_the_remedy(tmp_path, monkeypatch):
    monkeypatch.setenv("PORT_PYTHON", sys.executable)
    with pytest.raises(UnavailableError, match="has no PaConvert; run python -m venv port"):
        converter.convert(tmp_path / "a.py", tmp_path / "b.py")
