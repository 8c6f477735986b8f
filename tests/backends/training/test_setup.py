"""Weights to begin with, under a map: the head that is replaced is left out under whatever name it has."""

from pathlib import Path
from types import SimpleNamespace

import numpy as np
import pytest

from backends.training.setup import Loaded, _alike_in_all, _fitted
from common.training.recipes import RECIPES
from common.weights.external import ForeignWeights

SHAPES = {"c1.weight": (4, 2), "c1.bias": (4,), "output.weight": (3, 4), "output.bias": (3,)}
BODY = {"c1.weight": "body.weight", "c1.bias": "body.bias"}
FILE = {"fc.weight": (9, 4), "fc.bias": (9,), "body.weight": (4, 2), "body.bias": (4,)}


@pytest.mark.parametrize(
    "names",
    [
        {"c1": "body", "output": "fc"},
        {**BODY, "output": "fc"},
        {
            "c1.weight": "body.weight",
            "c1.bias": "body.bias",
            "output.weight": "fc.weight",
            "output.bias": "fc.bias",
        },
    ],
)
def test_a_replaced_head_is_left_out_by_its_mapped_name(names):
    arrays = {name: np.ones(shape, np.float32) for name, shape in FILE.items()}
    weights = ForeignWeights(source=Path("x.pth"), framework="torch", arrays=arrays)
    learner = SimpleNamespace(shapes=SHAPES, recipe=SimpleNamespace(head="replace"))
    fitted = _fitted(learner, Loaded(weights=weights, names=names), keep_head=False)
    assert {name: array.shape for name, array in fitted.items()} == {
        "c1.weight": (4, 2),
        "c1.bias": (4,),
    }


def test_all_that_decides_when_processes_exchange_is_compared():
    """A rank that saves more often than the others would sum with what they do next."""
    recipe = RECIPES["digits"]
    same = _alike_in_all(SimpleNamespace(save_every=0, strict=False), recipe, {"data": 1})
    for other in (SimpleNamespace(save_every=5, strict=False), SimpleNamespace(save_every=0, strict=True)):
        assert _alike_in_all(other, recipe, {"data": 1}) != same
    assert _alike_in_all(SimpleNamespace(save_every=0, strict=False), recipe, {"data": 2}) != same
