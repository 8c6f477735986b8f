"""Tensors cut, stacked, reshaped and turned over: there and back, and refused where they do not fit."""

import re

import numpy as np
import pytest

from common.weights.link import Link


def arrays(shapes, seed=0):
    rng = np.random.default_rng(seed)
    return {name: rng.standard_normal(shape) for name, shape in shapes.items()}


LINKS = {
    "plain": Link(ours={"w": (2, 3)}, theirs={"v": (2, 3)}),
    "cut": Link(ours={"qkv": (6, 4)}, theirs={"q": (2, 4), "k": (1, 4), "v": (3, 4)}),
    "stacked": Link(ours={"q": (2,), "k": (3,)}, theirs={"qk": (5,)}),
    "other pieces": Link(ours={"a": (2, 4), "b": (4, 4)}, theirs={"c": (3, 4), "d": (3, 4)}),
    "another axis": Link(ours={"w": (2, 5)}, theirs={"a": (2, 2), "b": (2, 3)}, axis=1),
    "turned": Link(ours={"w": (2, 3)}, theirs={"v": (3, 2)}, transpose=True),
    "turned pieces": Link(ours={"w": (4, 3)}, theirs={"a": (3, 2), "b": (3, 2)}, transpose=True),
    "reshaped": Link(ours={"w": (5, 8, 1, 1)}, theirs={"v": (5, 8)}),
    "reshaped pieces": Link(ours={"w": (2, 2, 3)}, theirs={"a": (1, 6), "b": (1, 6)}),
}


@pytest.mark.parametrize("name", LINKS)
def test_there_and_back(name):
    link = LINKS[name]
    assert link.misfit() is None
    ours = arrays(link.ours)
    theirs = link.to_theirs(ours)
    assert {name: array.shape for name, array in theirs.items()} == dict(link.theirs)
    assert all(array.flags["C_CONTIGUOUS"] for array in theirs.values())
    back = link.to_ours(theirs)
    assert all(np.array_equal(back[name], array) for name, array in ours.items())
    flat = [np.concatenate([array.ravel() for array in side.values()]) for side in (ours, theirs)]
    assert sorted(flat[0]) == sorted(flat[1])


def test_pieces_lie_where_numpy_would_put_them():
    ours = arrays(LINKS["cut"].ours)["qkv"]
    theirs = LINKS["cut"].to_theirs({"qkv": ours})
    assert np.array_equal(theirs["k"], ours[2:3])
    turned = LINKS["turned pieces"].to_theirs({"w": np.arange(12.0).reshape(4, 3)})
    assert turned["b"].tolist() == [[6, 9], [7, 10], [8, 11]]


@pytest.mark.parametrize(
    ("link", "reason"),
    [
        (Link(ours={"w": (6, 4)}, theirs={"a": (2, 4), "b": (3, 4)}), r"w \(6, 4\) does not have as many"),
        (Link(ours={"w": (6, 4)}, theirs={"a": (2, 4), "b": (4, 3)}), "cannot be stacked along axis 0"),
        (Link(ours={"w": (4,)}, theirs={"a": (2,), "b": (2,)}, axis=1), "cannot be stacked along axis 1"),
        (Link(ours={"w": (4,)}, theirs={"a": (4,)}, transpose=True), "has not two axes"),
    ],
)
def test_what_does_not_fit_is_said(link, reason):
    assert re.search(reason, link.misfit())
