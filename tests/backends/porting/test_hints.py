"""Hints of the atlas in a port: what stands in for a missing name, and what means something else."""

import ast

import pytest

from backends.porting.hints import hint_lines
from backends.porting.mending import OTHERWISE, SAME_POSITIONS, mend
from backends.porting.signatures import Signature
from common.operations.table import rows

POOL = Signature(exists=True, parameters=("kernel_size", "stride", "padding"))
KNOWN = {
    "paddle.nn.AvgPool2d": Signature(exists=False, likely="paddle.nn.AvgPool2D"),
    "paddle.nn.AvgPool2D": POOL,
    "paddle.nn.functional.lp_pool3d": Signature(exists=False),
}
EQUAL = ("equal", "equal after rounding")


def test_a_source_is_told_which_of_its_operations_differ():
    heading, *lines = hint_lines(["nn.AvgPool2d(3, 2)\nF.avg_pool2d(x, 3)\ntorch.split(x, 2)", "nn.ReLU()"])
    assert "in some configurations" in heading
    assert [line.partition(":")[0] for line in lines] == ["  AvgPool2d", "  split"]
    assert hint_lines(["nn.ReLU()"]) == []


def test_a_missing_name_has_its_stand_in():
    (remark,) = mend("y = paddle.nn.functional.lp_pool3d(x, 2.0, 2)", KNOWN)[1]
    assert "the atlas has (F.avg_pool3d(x ** 2, 2) * 8) ** 0.5 for it" in remark.text


@pytest.mark.parametrize("arguments", ["3, 2, 1", "3, padding=1"])
def test_what_means_something_else_under_the_other_name_is_left_with_the_reason(arguments):
    text = f"y = paddle.nn.AvgPool2d({arguments})"
    result, (remark,) = mend(text, KNOWN)
    assert result == text and not remark.is_mended
    assert "leaves padding out of the average's divisor" in remark.text
    assert mend("y = paddle.nn.AvgPool2d(3, 2)", KNOWN)[0] == "y = paddle.nn.AvgPool2D(3, 2)"


def holds(kind, count):
    """True if the atlas has a layer of this kind with so many positions, and each with no more is equal."""
    found = {}
    for row in rows():
        spellings = {side: ast.parse(text, mode="eval").body for side, text in row["spellings"].items()}
        names = {side: ast.unparse(getattr(node, "func", node)) for side, node in spellings.items()}
        if names["torch"] == f"nn.{kind}2d" and names["paddle"] == f"nn.{kind}2D" and not row.get("training"):
            ours, theirs = ([ast.unparse(one) for one in node.args] for node in spellings.values())
            if ours == theirs and not any(node.keywords for node in spellings.values()):
                found.setdefault(len(ours), set()).add(row["verdict"])
    verdicts = set().union(*(found[places] for places in found if places <= count))
    return count in found and verdicts - {"error", "missing"} <= set(EQUAL)  # what a side refuses is seen


@pytest.mark.parametrize("kind", [kind for kind in SAME_POSITIONS if kind != "Dropout"])
def test_positions_that_mean_the_same_are_equal_in_the_atlas(kind):
    assert holds(kind, SAME_POSITIONS[kind])


def test_a_position_that_means_something_else_is_none_of_them():
    assert not holds("AvgPool", 3)
    assert {"AvgPool": {"padding"}} == OTHERWISE
