"""What --pairs asks for is read beside the flags of the phases, which mean other things by the same words."""

import pytest

from benchmarks.parity import __main__ as command
from benchmarks.parity.variants.request import read_plan, read_wanted
from common.cli import UsageError

PAIRS = """
[mine]
torch = "mine:net"
paddle = "mine:twin"
input_shapes = [[3, 8, 8], [3, 16, 16]]
num_classes = 5
"""


@pytest.fixture
def file(tmp_path):
    (tmp_path / "mine.py").write_text("def net(): ...\ndef twin(): ...\n")
    (tmp_path / "pairs.toml").write_text(PAIRS)
    return tmp_path / "pairs.toml"


def options(file, *more):
    return command._parse(["--pairs", str(file), "--report", "page", *more])


def test_every_shape_of_a_pair_is_wanted(file):
    found = read_wanted(options(file))
    assert [each.name for each in found] == ["mine-3x8x8", "mine-3x16x16"]
    assert {each.subject.folder for each in found} == {str(file.parent)}
    assert read_plan(options(file, "--steps", "3")).steps == 3
    assert len(read_wanted(options(file, "--steps", "3"))) == 2


def test_flags_of_one_pair_are_refused(file):
    with pytest.raises(UsageError, match="--model is of one pair"):
        read_wanted(options(file, "--model", "lenet5"))
