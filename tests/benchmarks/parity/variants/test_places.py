"""Lines of the user's files: of the class that the callable builds, or none."""

import pytest

from benchmarks.parity.variants.places import places_of
from benchmarks.request.model_pair import ModelPair
from tests.benchmarks.parity.variants import networks

BLOCKS = """
class Basic:
    def __init__(self):
        self.conv1 = conv(3, 3)

class Wide:
    def __init__(self):
        self.conv1 = conv(9, 9)

def small():
    return Net(Basic)

def wide():
    return Net(Wide)

def both():
    return Net(Basic, Wide)

class Net:
    def __init__(self, block):
        self.layers = Sequential(block(), block())
"""


def places(folder, layer, name, stages=()):
    sources = {"torch": f"blocks:{name}", "paddle": f"page_paddle:{name}"}
    subject = ModelPair(num_classes=5, input_shape=(3, 8, 8), sources=sources, folder=str(folder))
    return places_of(layer, stages, subject)


@pytest.fixture
def folder(tmp_path):
    (tmp_path / "blocks.py").write_text(BLOCKS)
    (tmp_path / "page_paddle.py").write_text(networks.PADDLE)
    return tmp_path


@pytest.mark.parametrize(
    ("name", "line"), [("small", "4: self.conv1 = conv(3, 3)"), ("wide", "8: self.conv1 = conv(9, 9)")]
)
def test_of_two_classes_it_is_the_one_that_is_built(folder, name, line):
    assert places(folder, "layers.0.conv1", name) == [f"{folder}/blocks.py:{line}"]


def test_a_line_that_cannot_be_told_is_not_named(folder):
    assert places(folder, "layers.0.conv1", "both") == []
    assert places(folder, "head", "small") == []
    assert places(folder, None, "small") == []


def test_paddles_line_is_of_the_layer_that_the_map_names(folder):
    stages = [{"map": {"stem.weight": "conv.weight", "joined": ["a", "b"]}}]
    found = places(folder, "between stem and relu", "same", stages)
    assert found == [f"{folder}/page_paddle.py:9: self.conv = nn.Conv2D(3, 4, 3)"]


def test_networks_of_a_library_have_no_lines():
    sources = {"torch": "backends.shipped:torch.resnet18", "paddle": "backends.shipped:paddle.resnet18"}
    subject = ModelPair(num_classes=5, input_shape=(3, 8, 8), sources=sources)
    assert places_of("conv1", (), subject) == []
