"""A line of the twin, or a layer's name, found in the user's own source."""

from backends.porting.places import line_in_source, line_of_layer
from backends.porting.proof import _place

SOURCE = """\
import torch
from torch import nn

class Net(nn.Module):
    def __init__(self):
        super().__init__()
        self.stem, self.act = nn.Conv2d(3, 4, 3), nn.ReLU()
        self.mlp = nn.Sequential(
            nn.Linear(4, 8),
            nn.GELU(),
            nn.Linear(8, 4),
        )

    def forward(self, x):
        x = self.act(self.stem(x))
        if x.ndim == 4:
            x = torch.flatten(x, 2).mean(2)
        return self.mlp(x)
"""
TWIN = """\
import paddle


def helper(x):
    return x


class Net(paddle.nn.Layer):
    def __init__(self):
        super().__init__()
        self.stem, self.act = (
            paddle.nn.Conv2D(3, 4, 3),
            paddle.nn.ReLU(),
        )
        self.mlp = paddle.nn.Sequential(
            paddle.nn.Linear(4, 8), paddle.nn.GELU(), paddle.nn.Linear(8, 4)
        )

    def forward(self, x):
        x = self.act(self.stem(x))
        if x.ndim == 4:
            x = paddle.flatten(x, 2).mean(2)
        return self.mlp(x)
"""


def line(text, words):
    return next(place for place, each in enumerate(text.splitlines(), 1) if words in each)


def test_a_twins_line_is_found_in_the_source():
    for words, other in (
        ("paddle.flatten", "torch.flatten"),
        ("return self.mlp", "return self.mlp"),
        ("paddle.nn.ReLU()", "self.stem, self.act"),
        ("super()", "super()"),
    ):
        assert line_in_source(SOURCE, TWIN, line(TWIN, words)) == line(SOURCE, other)


def test_a_line_that_only_the_twin_has_is_nowhere():
    assert line_in_source(SOURCE, TWIN, line(TWIN, "return x")) is None
    assert line_in_source(SOURCE, TWIN, 1) is None


def test_a_layers_definition_is_found_by_its_name():
    assert line_of_layer(SOURCE, "stem") == line(SOURCE, "self.stem")
    assert line_of_layer(SOURCE, "net.act") == line(SOURCE, "self.act")
    assert line_of_layer(SOURCE, "mlp.2") == line(SOURCE, "nn.Linear(8, 4)")
    assert line_of_layer(SOURCE, "mlp.1") == line(SOURCE, "nn.GELU()")
    assert line_of_layer(SOURCE, "mlp.9") == line(SOURCE, "self.mlp = ")
    assert line_of_layer(SOURCE, "nowhere") is None


def test_the_first_fault_is_named_in_the_users_file(tmp_path):
    source, twin = tmp_path / "mine.py", tmp_path / "twin.py"
    source.write_text(SOURCE)
    twin.write_text(TWIN)
    files = {twin: source}
    number = line(TWIN, "paddle.flatten")
    raised = {"note": f"{twin}:{number}: x = paddle.flatten(x, 2).mean(2)", "layer": None}
    assert _place(raised, files).startswith(f"{source}:{line(SOURCE, 'torch.flatten')}: x = torch.flatten")
    blamed = {"note": "moved by 1e-16", "layer": "mlp.2"}
    assert _place(blamed, files).endswith("nn.Linear(8, 4),")
    between = {"note": None, "layer": "between stem and mlp.0"}
    assert _place(between, files).startswith(f"{source}:{line(SOURCE, 'self.stem')}")
    assert _place({"note": None, "layer": None}, files) is None
