"""The grammar of maps, in parity and for checkpoints alike."""

import json
from pathlib import Path

import numpy as np
import pytest

from common.cli import UsageError
from common.weights.external import ForeignWeights
from common.weights.link import Link
from common.weights.map_lines import lines_of, map_line, read_map
from common.weights.name_map import fit, linked


def line(key, value):
    (only,) = lines_of({key: value})
    return only


def test_what_a_line_can_say():
    assert (line("a", "b").ours, line("a", "b").theirs) == (("a",), ("b",))
    assert line("w", ["a", "b"]).theirs == ("a", "b")
    assert line("a, b", "w").ours == ("a", "b")
    assert (line("aux", None).ours, line("aux", None).theirs) == (("aux",), ())
    assert (line("null", ["x", "y"]).ours, line("null", "x").theirs) == ((), ("x",))
    whole = line("w", {"name": ["a", "b"], "axis": 1, "transpose": True, "reshape": [2, 3]})
    assert (whole.axis, whole.transpose, whole.reshape) == (1, True, (2, 3))


def test_remarks_and_what_is_not_filled_in_are_skipped():
    assert list(lines_of({"# about": "anything", "a": ""})) == []


@pytest.mark.parametrize(
    "link",
    [
        Link(ours={"w": (2, 3)}, theirs={"v": (2, 3)}),
        Link(ours={"w": (4, 3)}, theirs={"a": (2, 3), "b": (2, 3)}),
        Link(ours={"a": (2, 3), "b": (2, 3)}, theirs={"w": (4, 3)}),
        Link(ours={"w": (2, 4)}, theirs={"a": (2, 2), "b": (2, 2)}, axis=1),
        Link(ours={"w": (2, 3)}, theirs={"v": (3, 2)}, transpose=True),
        Link(ours={"w": (2, 3)}, theirs={"v": (2, 3, 1)}),
    ],
)
def test_a_link_is_written_as_a_line_that_says_the_same(link):
    key, value = map_line(link)
    read = line(key, value)
    assert (read.ours, read.theirs) == (tuple(link.ours), tuple(link.theirs))
    assert (read.axis, read.transpose) == (link.axis, link.transpose)
    assert (read.reshape is not None) == link.reshapes


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ('{"a": 3}', "expected a name, a list of names, null"),
        ('{"a": []}', "expected a name, a list of names, null"),
        ('{"a": ["b", 3]}', "expected a name, a list of names, null"),
        ('{"a": {"name": "b", "shape": [3]}}', "reshape, transpose, axis"),
        ('{"a": {"name": "b", "axis": -1}}', "axis is a number from 0"),
        ('{"a": {"name": "b", "reshape": "3x4"}}', "reshape is a list of sizes"),
        ('{"null": null}', "expected a name"),
        ('{"a,": "b"}', "expected a name"),
        ("[1]", "expected {"),
    ],
)
def test_a_wrong_line_is_named_with_its_file(tmp_path, text, message):
    path = tmp_path / "map.json"
    path.write_text(text)
    with pytest.raises(UsageError, match=message) as refusal:
        read_map(path)
    assert str(refusal.value).startswith(str(path))


SHAPES = {"qkv.weight": (6, 2), "qkv.bias": (6,), "conv.weight": (4, 2, 1, 1), "fc.weight": (3, 3)}
ARRAYS = {
    **{f"{name}.weight": np.full((2, 2), place + 1.0) for place, name in enumerate("qkv")},
    **{f"{name}.bias": np.full(2, place + 1.0) for place, name in enumerate("qkv")},
    "last.weight": np.arange(8.0).reshape(4, 2),
    "w": np.arange(9.0).reshape(3, 3),
    "counter": np.zeros(1),
}
NAMES = {
    "qkv": ["q", "k", "v"],
    "conv.weight": {"name": "last.weight", "reshape": [4, 2, 1, 1]},
    "fc.weight": {"name": "w", "transpose": True},
    "null": ["counter"],
}


def weights(framework="torch", **changed):
    return ForeignWeights(source=Path("x.pth"), framework=framework, arrays={**ARRAYS, **changed})


def test_a_checkpoint_is_stacked_reshaped_and_turned_over(tmp_path):
    (tmp_path / "map.json").write_text(json.dumps(NAMES))
    fitted = fit(weights(), SHAPES, names=read_map(tmp_path / "map.json"))
    assert fitted["qkv.bias"].tolist() == [1, 1, 2, 2, 3, 3]
    assert fitted["qkv.weight"][:, 0].tolist() == [1, 1, 2, 2, 3, 3]
    assert np.array_equal(fitted["conv.weight"][..., 0, 0], ARRAYS["last.weight"])
    assert np.array_equal(fitted["fc.weight"], ARRAYS["w"].T)


def test_a_checkpoints_one_tensor_can_be_several_of_the_models():
    fitted = fit(
        weights(both=np.arange(4.0)), {"a.bias": (1,), "b.bias": (3,)}, names={"a.bias,b.bias": "both"}
    )
    assert [fitted[name].tolist() for name in ("a.bias", "b.bias")] == [[0], [1, 2, 3]]


@pytest.mark.parametrize(
    ("change", "message"),
    [
        ({"qkv": ["q", "k"]}, r"qkv.weight \(6, 2\) does not have as many numbers as q.weight \(2, 2\) \+ k"),
        ({"fc.weight": None}, "the model needs it"),
        ({"fc.weight": "v.weight"}, r"fc.weight \(3, 3\) does not have as many numbers as v.weight \(2, 2\)"),
        ({"null": ["nowhere"]}, "names nowhere, which the file has not"),
        ({"conv.weight": {"name": "last.weight", "reshape": [4, 2]}}, r"reshaped to \(4, 2\)"),
    ],
)
def test_what_does_not_fit_names_both(change, message):
    with pytest.raises(UsageError, match=message):
        fit(weights(), SHAPES, names={**NAMES, **change})


def test_a_map_of_layers_links_tensors():
    assert dict(map_line(link) for link in linked(weights(), SHAPES, names=NAMES)) == {
        "qkv.weight": ["q.weight", "k.weight", "v.weight"],
        "qkv.bias": ["q.bias", "k.bias", "v.bias"],
        "conv.weight": {"name": "last.weight", "reshape": [4, 2, 1, 1]},
        "fc.weight": {"name": "w", "transpose": True},
    }
