"""The catalogue as data: every line can be read, is found by its name, and could fail."""

import ast

import numpy as np
import pytest

from benchmarks.atlas.cases.case import SIZES, layer, pair, same
from benchmarks.atlas.cases.drawing import EDGES, KINDS, Drawn, draw, with_edge
from benchmarks.atlas.cases.spelling import full_name, names_in, operation_of
from benchmarks.atlas.catalogue import FAMILIES, all_cases, selected
from common.cli import UsageError

CASES = all_cases()


def test_there_are_enough_cases_and_no_two_of_one_name():
    assert len({case.id for case in CASES}) == len(CASES) > 800
    assert len({(case.family, case.operation) for case in CASES}) > 200
    assert [*dict.fromkeys(case.family for case in CASES)] == [*FAMILIES]


@pytest.mark.parametrize("family", FAMILIES)
def test_every_line_of_a_family_can_be_read(family):
    for case in (case for case in CASES if case.family == family):
        rule = case.rule.torch if case.rule else "0"
        for spelling in (case.torch, case.paddle, case.instead or "0", rule):
            ast.parse(spelling, mode="eval")
        for name, text in case.inputs.items():
            assert draw(name, text, SIZES).ndim == len(Drawn.parse(text).axes), case.id


def test_a_pattern_means_a_family_a_spelling_or_an_id():
    assert {case.family for case in selected("pools:")} == {"pools"}
    assert all("align_corners" in case.id for case in selected("*align_corners*"))
    assert selected("thresholded_relu")  # paddle's word
    with pytest.raises(UsageError, match="no case has it; the families are convolutions"):
        selected("convolutoins")


def test_a_layers_words_are_translated():
    assert (
        layer("nn.ConvTranspose2d(C, 6, 3, bias=False)")["paddle"]
        == "nn.Conv2DTranspose(C, 6, 3, bias_attr=False)"
    )
    assert layer("nn.MaxPool2d(2, return_indices=True)")["paddle"] == "nn.MaxPool2D(2, return_mask=True)"
    assert same("torch.sum(x, 1)")["paddle"] == "paddle.sum(x, 1)"
    assert pair("F.a(x)", "F.b(x)", x="B C", timed=False) == {
        "torch": "F.a(x)", "paddle": "F.b(x)", "timed": False, "inputs": {"x": "B C"},
    }  # fmt: skip


@pytest.mark.parametrize(
    ("spelling", "names"),
    [
        ("F.relu(x)", ["F.relu"]),
        ("x.sum(1)", ["Tensor.sum"]),
        ("torch.max(x, 1).values", ["torch.max"]),
        ("updates(lambda p: optim.Adam(p, 0.01), w)", ["optim.Adam"]),
        ("nn.Softmin(1)(x)", ["nn.Softmin"]),
        ("x ** 2", []),
    ],
)
def test_the_names_of_a_spelling(spelling, names):
    assert names_in(spelling, {"x", "w"}) == names


def test_an_operation_is_the_last_word():
    assert operation_of("F.avg_pool2d(x, 3)", {"x"}) == "avg_pool2d"
    assert operation_of("x ** 2", {"x"}) == "operator"
    assert full_name("F.relu", "paddle") == "paddle.nn.functional.relu"


def test_inputs_are_the_same_everywhere_and_float32s():
    first, second = draw("x", "B C S", SIZES), draw("x", "B C S", SIZES)
    assert np.array_equal(first, second) and first.shape == (2, 4, 7)
    assert np.array_equal(first, first.astype(np.float32))
    assert not np.array_equal(first, draw("y", "B C S", SIZES))
    assert draw("x", "B C", {**SIZES, **EDGES["empty"]}).shape == (0, 4)


def test_an_edge_puts_in_what_it_says():
    numbers = draw("x", "B C S", SIZES)
    assert np.isnan(with_edge(numbers, "nan")).sum() == 1
    assert sorted(with_edge(numbers, "infinity")[np.isinf(with_edge(numbers, "infinity"))]) == [
        -np.inf,
        np.inf,
    ]
    assert with_edge(np.empty(0), "nan").size == 0


def test_an_unknown_kind_is_named():
    with pytest.raises(ValueError, match="unknown kind 'gaussian'; choose among normal"):
        Drawn.parse("gaussian: B C")
    assert {"normal", "labels", "ties"} <= set(KINDS)
