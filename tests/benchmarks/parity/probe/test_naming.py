"""A model's tensors in torch's pieces and back, with what an optimizer keeps of them."""

from dataclasses import asdict

import numpy as np
import pytest

from benchmarks.parity.probe.naming import Naming
from common.weights.link import Link

SHAPES = {"q": (2, 3), "k": (2, 3), "aux": (5,), "b": (3, 2)}
LINKS = [
    Link(ours={"qk": (4, 3)}, theirs={"q": (2, 3), "k": (2, 3)}),
    Link(ours={"w": (2, 3)}, theirs={"b": (3, 2)}, transpose=True),
]


@pytest.fixture
def naming():
    return Naming([asdict(link) for link in LINKS], {"mean": "own_mean"})


def test_without_links_all_go_by_their_own_names():
    arrays = {name: np.ones(shape) for name, shape in SHAPES.items()}
    for link in Naming().links(SHAPES):
        (name,) = link.theirs
        assert Naming().neutral(link, {name: arrays[name]}).keys() == {name}
    assert Naming().spare(SHAPES) == set()
    assert Naming().buffer("mean") == "mean"


def test_there_and_back(naming):
    rng = np.random.default_rng(0)
    torch = {"qk": rng.standard_normal((4, 3)), "w": rng.standard_normal((2, 3))}
    own = {
        name: naming.own(name, shape, lambda called, size: torch[called].reshape(size))
        for name, shape in SHAPES.items()
    }
    assert np.array_equal(own["k"], torch["qk"][2:])
    assert np.array_equal(own["b"], torch["w"].T)
    back = {}
    for link in naming.links(SHAPES):
        back |= naming.neutral(link, {name: own[name] for name in link.theirs})
    assert all(np.array_equal(back[name], array) for name, array in torch.items())


def test_what_torch_has_not_is_spare_and_gets_no_gradient(naming):
    assert naming.spare(SHAPES) == {"aux"}
    assert not naming.own("aux", (5,), lambda *_: pytest.fail("nothing is to be read")).any()
    assert naming.buffer("own_mean") == "mean"


def test_counts_of_steps_are_every_pieces_and_what_is_not_kept_yet_is_zero(naming):
    stacked, _ = naming.links(SHAPES)
    assert naming.neutral(stacked, {"q": np.float32(3), "k": np.float32(3)})["qk"] == 3
    half = naming.neutral(stacked, {"k": np.ones((2, 3))})["qk"]
    assert (half[:2].any(), half[2:].all()) == (False, True)


def test_a_count_that_differs_between_pieces_is_not_taken_for_one(naming):
    stacked, _ = naming.links(SHAPES)
    assert np.isnan(naming.neutral(stacked, {"q": np.float32(3), "k": np.float32(4)})["qk"])
