"""Outputs of any form, the one that loss and metrics see, and a loss that reaches them all."""

from collections import OrderedDict, namedtuple

import numpy as np
import pytest

from benchmarks.parity.probe.computation import Computation, flatten, pick
from common.cli import UsageError

A, B, C = (np.full((2, 3), value) for value in (1.0, 2.0, 3.0))
Named = namedtuple("Named", "logits aux")


@pytest.mark.parametrize(
    ("output", "keys"),
    [
        (A, [""]),
        ((A, B), ["0", "1"]),
        ([A, (B, C)], ["0", "1.0", "1.1"]),
        ({"logits": A, "aux": B}, ["logits", "aux"]),
        (OrderedDict(out=A, more=[B, None, {"c": C}]), ["out", "more.0", "more.2.c"]),
        (Named(A, B), ["0", "1"]),
        ((A, None, "text", 3), ["0"]),
        ("text", []),
    ],
)
def test_every_tensor_of_an_output_has_a_key(output, keys):
    assert list(flatten(output)) == keys


@pytest.mark.parametrize(
    ("output", "asked", "key"),
    [
        (A, "", ""),
        ((A, B), "", "0"),
        ((A, B), "1", "1"),
        ({"only": A}, "", "only"),
        ({"a": A, "b": B}, "b", "b"),
    ],
)
def test_loss_and_metrics_see_one_output(output, asked, key):
    assert pick(flatten(output), output, asked) == key


@pytest.mark.parametrize(
    ("output", "asked", "message"),
    [
        ({"a": A, "b": B}, "", "a dictionary of a, b; choose one with --output KEY"),
        ({"a": A, "b": B}, "c", "--output c: the model returns a, b"),
        ((A, B), "2", "returns 0, 1"),
        ("text", "", "returns str and no tensor"),
    ],
)
def test_a_choice_that_is_wanting_or_wrong_is_said(output, asked, message):
    with pytest.raises(UsageError, match=message):
        pick(flatten(output), output, asked)


def test_the_total_depends_on_every_output(backend):
    where = {"device": "cpu", "precision": "fp64"}
    images, labels = (backend.from_numpy(array, **where) for array in (np.ones((2, 4)), np.array([0, 1])))
    aux = backend.from_numpy(np.arange(6.0).reshape(2, 3), **where)

    def totals(scale):
        def model(x):
            return x[:, :3], {"aux": aux * scale, "number": labels}

        made = Computation(
            backend, model, inputs=[images], labels=labels, loss=None, output="", where=where, autocast=where
        )
        computed = made()
        assert list(computed.others) == ["1.aux", "1.number"]
        return float(backend.to_numpy(computed.loss)), float(backend.to_numpy(computed.total))

    (loss, total), (same, other) = totals(1.0), totals(2.0)
    assert loss == same
    assert abs(total - other) > 0.1
